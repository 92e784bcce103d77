import FileSystem
import Foundation

/// What an MLflow server is to be told, one thing after another; a line of the journal each.
struct MLflowEntry: Codable, Hashable {
  /// The run begins, and is to be made on the server.
  struct Beginning: Codable, Hashable {
    var name: String
    var experiment: String
    var parameters: [[String]]
    var tags: [[String]]
  }

  /// Numbers of a step.
  struct Metrics: Codable, Hashable {
    var step: Int
    /// A name and a number each; numbers that are not finite as protobuf's JSON has them.
    var values: [Metric]
  }

  struct Metric: Codable, Hashable {
    var name: String
    var value: Number
  }

  /// A number, finite or not.
  struct Number: Codable, Hashable {
    var value: Double

    init(_ value: Double) { self.value = value }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        value = number
      } else {
        let text = try container.decode(String.self)
        value = text == "Infinity" ? .infinity : text == "-Infinity" ? -.infinity : .nan
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      if value.isFinite {
        try container.encode(value)
      } else {
        try container.encode(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
      }
    }
  }

  /// Milliseconds since 1970.
  var time: Int
  var beginning: Beginning?
  var metrics: Metrics?
  /// A file of the run folder to be kept, below it.
  var file: String?
  /// What the run is now: `RUNNING`, `FINISHED`, `KILLED` or `FAILED`.
  var status: String?

  /// A line of the journal.
  var line: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Nothing in it cannot be encoded.
    return Array((try? encoder.encode(self)) ?? Data()) + [0x0A]
  }

  init(at time: Date) { self.time = Int((time.timeIntervalSince1970 * 1000).rounded()) }
}

/// Where in the journal the server is.
struct MLflowState: Codable, Hashable {
  /// The server, without a password.
  var server: String
  var experimentID: String?
  var runID: String?
  /// Where the server keeps the run's files.
  var artifacts: String?
  /// Bytes of the journal that the server has.
  var sent = 0

  /// The run's page.
  var page: String? {
    guard let experimentID, let runID else { return nil }
    return "\(server)/#/experiments/\(experimentID)/runs/\(runID)"
  }
}

/// `mlflow/` of a run folder: everything that the server is to be told (`journal.jsonl`), and how
/// much of it the server has (`state.json`). It makes the log survive what the server and this
/// program do not.
struct MLflowFolder: Hashable, Sendable {
  static let name = "mlflow"

  /// The run folder.
  let run: String
  var path: String { "\(run)/\(Self.name)" }
  var journalPath: String { path + "/journal.jsonl" }
  var statePath: String { path + "/state.json" }

  /// What the server has; nil where nothing was ever logged.
  func state() throws(FileError) -> MLflowState? {
    guard isFile(statePath) else { return nil }
    return try JSONFile.read(MLflowState.self, from: statePath)
  }

  func write(_ state: MLflowState) throws(FileError) { try JSONFile.write(state, to: statePath) }

  /// Entries of the journal from a byte on, no more than a few hundred kilobytes of them, each with
  /// the byte that it ends before. Lines that are none are passed over.
  func entries(
    from start: Int, limit: Int = 1 << 18
  ) throws(FileError) -> (entries: [(entry: MLflowEntry, end: Int)], end: Int) {
    let file = try ReadableFile(journalPath)
    var count = min(file.size - start, limit)
    guard count > 0 else { return ([], start) }
    var bytes = try file.bytes(count, at: start)
    // A line that is longer than what is read at once.
    while !bytes.contains(0x0A), start + count < file.size {
      count = min(file.size - start, 2 * count)
      bytes = try file.bytes(count, at: start)
    }
    var (entries, end) = ([(entry: MLflowEntry, end: Int)](), start)
    let decoder = JSONDecoder()
    while let stop = bytes[(end - start)...].firstIndex(of: 0x0A) {
      let line = bytes[(end - start)..<stop]
      end = start + stop + 1
      if let entry = try? decoder.decode(MLflowEntry.self, from: Data(line)) {
        entries.append((entry, end))
      }
    }
    return (entries, end)
  }

  /// The latest step of each name, and the files, that the journal has.
  func told() throws(FileError) -> (steps: [String: Int], files: Set<String>) {
    var (steps, files, place) = ([String: Int](), Set<String>(), 0)
    while case let (entries, end) = try entries(from: place), end > place {
      place = end
      for (entry, _) in entries {
        if let file = entry.file { files.insert(file) }
        guard let metrics = entry.metrics else { continue }
        for value in metrics.values {
          steps[value.name] = max(steps[value.name] ?? 0, metrics.step)
        }
      }
    }
    return (steps, files)
  }
}
