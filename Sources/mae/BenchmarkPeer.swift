import Foundation
import Runs
import Training

/// A process that runs a step when asked, over its standard input and output.
final class BenchmarkPeer {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  init(command: String) throws {
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec " + command]
    process.standardInput = input
    process.standardOutput = output
    // The same allocator settings as ours, which fresh pages would otherwise tell apart.
    var environment = ProcessInfo.processInfo.environment
    environment["MALLOC_MMAP_THRESHOLD_"] = "1073741824"
    environment["MALLOC_TRIM_THRESHOLD_"] = "4294967296"
    process.environment = environment
    try process.run()
    guard try line() == "ready" else { throw broken }
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.terminate()
  }

  func step() throws -> Double { try number("step") }

  /// A number that answers a question.
  func number(_ question: String) throws -> Double {
    guard let number = Double(try ask(question)) else { throw broken }
    return number
  }

  func memory() throws -> Int? {
    try ask("memory").split(separator: " ").last.flatMap { Int($0) }.map { $0 * 1024 }
  }

  private var broken: RunFailure {
    RunFailure(.badData, "the peer did not answer as expected; see mae help bench")
  }

  private func ask(_ question: String) throws -> String {
    try input.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
    return try line()
  }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let text = String(decoding: buffer[..<end], as: UTF8.self)
        buffer = Data(buffer[(end + 1)...])
        return text
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { throw broken }
      buffer += more
    }
  }
}
