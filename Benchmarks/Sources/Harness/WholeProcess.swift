import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A process that was run from its start to its end.
public struct WholeProcess: Sendable {
  /// What it printed on standard output.
  public let output: String
  /// Seconds on the clock.
  public let seconds: Double
  /// Seconds of processor time, all of its threads together.
  public let processorSeconds: Double

  /// Runs a command of the shell.
  ///
  /// - Throws: `BenchmarkFailure` where its status is not 0.
  public init(_ command: String) throws {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec " + command]
    process.standardOutput = pipe
    process.environment = peerEnvironment
    let before = Self.childrenSeconds()
    let start = ContinuousClock.now
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    seconds = start.duration(to: .now) / .seconds(1)
    processorSeconds = Self.childrenSeconds() - before
    output = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else {
      throw BenchmarkFailure("\(command): ended with status \(process.terminationStatus)")
    }
  }

  /// The first number that follows `words` in the output.
  ///
  /// - Throws: `BenchmarkFailure` where there is none.
  public func number(after words: String) throws -> Double {
    guard let place = output.range(of: words),
      let number = Double(output[place.upperBound...].prefix { $0.isNumber || $0 == "." })
    else { throw BenchmarkFailure("no number follows '\(words)' in: \(output)") }
    return number
  }

  /// Processor time of all children that have ended.
  private static func childrenSeconds() -> Double {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    #else
      getrusage(RUSAGE_CHILDREN, &usage)
    #endif
    return [usage.ru_utime, usage.ru_stime].reduce(0) {
      $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6
    }
  }
}

/// A text as one word of a shell's command.
public func quoted(_ text: String) -> String {
  "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
}

/// Why a benchmark could not be measured, in one line.
public struct BenchmarkFailure: Error, CustomStringConvertible {
  /// The line.
  public let description: String

  /// Creates a failure.
  public init(_ description: String) { self.description = description }
}

/// A folder that is removed when its last user is.
public final class TemporaryFolder {
  /// Where it is.
  public let path: String

  /// Makes an empty folder.
  public init() throws {
    path = NSTemporaryDirectory() + "mae-benchmarks-\(UUID())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
