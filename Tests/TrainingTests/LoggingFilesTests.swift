@testable import FileSystem
@testable import Runs
import Foundation
import Testing

@testable import Training

/// A folder that is gone when the closure ends.
func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appending(path: "mae-test-\(UUID())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

@Suite struct LoggingFilesTests {
  @Test func `metrics are one object a line`() throws {
    try withFolder { folder in
      let url = folder.appending(path: "metrics.jsonl")
      let log = try MetricsLog(at: url)
      try log.append(step: 10, epoch: 0.25, values: ["loss": 0.5, "rate": 1.5e-4, "images/s": 812])
      try log.append(
        step: 20, epoch: 0.5, values: ["loss": .nan, "a \"quoted\"\\\n\u{1}": -0.0, "x": .infinity])
      #expect(
        try String(contentsOf: url, encoding: .utf8) == #"""
          {"step":10,"epoch":0.25,"loss":0.5,"rate":0.00015,"images/s":812}
          {"step":20,"epoch":0.5,"loss":null,"a \"quoted\"\\\n\u0001":-0.0,"x":null}

          """#)
      #expect(
        try MetricsLog.records(at: url) == [
          MetricsRecord(
            step: 10, epoch: 0.25, values: ["loss": 0.5, "rate": 1.5e-4, "images/s": 812]),
          MetricsRecord(step: 20, epoch: 0.5, values: ["a \"quoted\"\\\n\u{1}": 0]),
        ])
    }
  }

  @Test func `resuming drops later steps and torn lines`() throws {
    try withFolder { folder in
      let url = folder.appending(path: "metrics.jsonl")
      let text = """
        {"step":1,"epoch":0.1,"loss":0.123456789012345678}
        {"step":2,"epoch":0.2,"loss":2}
        {"step":3,"epoch":0.3,"loss":3}
        {"step":4,"epoch":0.4,"lo
        """
      try Data(text.utf8).write(to: url)
      #expect(try MetricsLog.records(at: url).map(\.step) == [1, 2, 3])
      let log = try MetricsLog(at: url, resumingAfter: 2)
      try log.append(step: 3, epoch: 0.3, values: ["loss": 30])
      #expect(
        try String(contentsOf: url, encoding: .utf8) == """
          {"step":1,"epoch":0.1,"loss":0.123456789012345678}
          {"step":2,"epoch":0.2,"loss":2}
          {"step":3,"epoch":0.3,"loss":30}

          """)
      _ = try MetricsLog(at: url)
      #expect(try MetricsLog.records(at: url).isEmpty)
    }
  }

  @Test func `resuming without a log starts one`() throws {
    try withFolder { folder in
      let url = folder.appending(path: "metrics.jsonl")
      #expect(try MetricsLog.records(at: url).isEmpty)
      let log = try MetricsLog(at: url, resumingAfter: 100)
      try log.append(step: 101, epoch: 1, values: ["loss": 1])
      #expect(try MetricsLog.records(at: url).map(\.step) == [101])
    }
  }

  @Test func `failures name the file`() throws {
    try withFolder { folder in
      let url = folder.appending(path: "none/metrics.jsonl")
      let missing = #expect(throws: FileError.self) { try MetricsLog(at: url) }
      #expect(
        missing?.description == "\(url.path): the folder '\(folder.path)/none' does not exist")
      #expect(throws: FileError.self) { try TrainLog(at: folder) }
    }
    #if os(Linux)
      let full = try LogFile(at: "/dev/full")
      let failure = #expect(throws: FileError.self) { try full.append("x") }
      #expect(
        failure?.description == "/dev/full: cannot be written: no space left on the disk")
    #endif
  }

  @Test func `train log stamps texts and mends torn lines`() throws {
    try withFolder { folder in
      let url = folder.appending(path: "train.log")
      try Data("torn".utf8).write(to: url)
      let zone = try #require(TimeZone(secondsFromGMT: 0))
      let log = try TrainLog(at: url, timeZone: zone) { Date(timeIntervalSince1970: 1_700_000_000) }
      try log.write("one")
      try log.write("two\nlines")
      #expect(
        try String(contentsOf: url, encoding: .utf8) == """
          torn
          2023-11-14T22:13:20Z  one
          2023-11-14T22:13:20Z  two
                                lines

          """)
    }
  }
}

@Suite struct LoggingTableTests {
  @Test func `a table has a column for each name and a row for each record`() throws {
    try withFolder { folder in
      let metrics = folder.appending(path: "metrics.jsonl")
      let path = folder.appending(path: "metrics.csv").path
      let log = try MetricsLog(at: metrics)
      let table = try CSVLog(at: path, of: metrics.path)
      func record(_ step: Int, _ values: [(name: String, value: Double)]) throws {
        try log.append(step: step, epoch: 0.5, values: values)
        try table.record(step: step, epoch: 0.5, values: values)
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "step,epoch\n")
      try record(10, [("rate", 1.5e-4), ("loss", 0.5)])
      try record(20, [("rate", 1e-4), ("loss", .nan)])
      try record(20, [("validation, top1", 0.25)])
      try record(30, [("loss", 0.25)])
      let expected = """
        step,epoch,rate,loss,"validation, top1"
        10,0.5,0.00015,0.5,
        20,0.5,0.0001,,
        20,0.5,,,0.25
        30,0.5,,0.25,

        """
      #expect(try String(contentsOfFile: path, encoding: .utf8) == expected)
      // A run that is resumed takes its table up where its metrics are.
      let resumed = try MetricsLog(at: metrics, resumingAfter: 10)
      try resumed.append(step: 15, epoch: 0.75, values: ["loss": 2])
      let again = try CSVLog(at: path, of: metrics.path)
      try resumed.append(step: 16, epoch: 0.75, values: ["loss": 3])
      try again.record(step: 16, epoch: 0.75, values: [("loss", 3)])
      #expect(
        try String(contentsOfFile: path, encoding: .utf8)
          == "step,epoch,rate,loss\n10,0.5,0.00015,0.5\n15,0.75,,2\n16,0.75,,3\n")
    }
  }
}
