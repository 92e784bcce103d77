import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A process that measures when asked, over its standard input and output: it prints the line
/// `ready`, then answers each line it reads with one line. `mae bench … --on-request` and the
/// programs of `Benchmarks/peers` are such.
public final class Peer {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let command: String
  private var buffer = Data()

  /// Starts a command of the shell and waits until it is ready.
  ///
  /// - Throws: `BenchmarkFailure` where it ends or says something else.
  public init(command: String) throws {
    self.command = command
    // Writing to a peer that has ended is an error to be told, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec " + command]
    process.standardInput = input
    process.standardOutput = output
    process.environment = peerEnvironment
    try process.run()
    let greeting = try line()
    guard greeting.hasPrefix("ready") else {
      throw BenchmarkFailure("\(command): said '\(greeting)', expected 'ready'")
    }
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.terminate()
    process.waitUntilExit()
  }

  /// The number that answers a question; the last one where the answer holds several.
  ///
  /// - Throws: `BenchmarkFailure` where the answer is no number or the process ended.
  public func number(_ question: String) throws -> Double {
    do {
      try input.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
    } catch {
      throw BenchmarkFailure("\(command): ended before it was asked '\(question)'")
    }
    let answer = try line()
    guard let number = answer.split(separator: " ").last.flatMap({ Double($0) }) else {
      throw BenchmarkFailure("\(command): answered '\(answer)' to '\(question)', expected a number")
    }
    return number
  }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let text = String(decoding: buffer[..<end], as: UTF8.self)
        buffer = Data(buffer[(end + 1)...])
        return text
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { throw BenchmarkFailure("\(command): ended before it answered") }
      buffer += more
    }
  }
}

/// The environment of measured processes: this one's, with the allocator settings that `mae` gives
/// itself. Without them fresh pages cost a Python peer a tenth of its time (glibc).
let peerEnvironment: [String: String] = ProcessInfo.processInfo.environment.merging([
  "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296",
]) { $1 }
