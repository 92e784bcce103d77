import Foundation

/// A log that cannot be written or read.
public struct LogFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file.
  public var path: String
  /// What was tried, and what the system said.
  public var reason: String

  /// Creates a failure.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// `run/metrics.jsonl cannot be written: No space left on device`
  public var description: String { "\(path) \(reason)" }
}

/// A file that only grows; every write goes to the system at once, so that a killed run loses no
/// line that was written.
final class LogFile {
  let path: String
  private let descriptor: Int32

  /// Opens a file at its end, and creates it if it is not there.
  init(at url: URL) throws(LogFailure) {
    path = url.path
    descriptor = open(url.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(url.path) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func append(_ bytes: [UInt8]) throws(LogFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written >= 0 {
        rest = rest.dropFirst(written)
      } else if errno != EINTR {
        throw Self.failure(path)
      }
    }
  }

  func append(_ text: String) throws(LogFailure) { try append(Array(text.utf8)) }

  /// Ends a last line that was cut off, so that the next one starts on its own.
  func startLine() throws(LogFailure) {
    let end = lseek(descriptor, 0, SEEK_END)
    var last: UInt8 = 0
    guard end > 0, pread(descriptor, &last, 1, end - 1) == 1, last != 0x0A else { return }
    try append("\n")
  }

  /// Replaces a file as a whole: whoever looks sees the old content or the new one.
  static func replace(_ url: URL, with text: String) throws(LogFailure) {
    let draft = url.appendingPathExtension("draft")
    unlink(draft.path)
    do throws(LogFailure) {
      try LogFile(at: draft).append(text)
      guard rename(draft.path, url.path) == 0 else { throw failure(url.path) }
    } catch {
      unlink(draft.path)
      throw LogFailure(path: url.path, reason: error.reason)
    }
  }

  private static func failure(_ path: String) -> LogFailure {
    LogFailure(path: path, reason: "cannot be written: \(String(cString: strerror(errno)))")
  }
}
