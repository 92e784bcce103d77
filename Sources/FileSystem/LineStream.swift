#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The lines of a file or pipe, some at a time: as many as there are now, so that a slow writer is
/// not waited for and a fast one does not fill the memory.
public final class LineStream {
  private let name: String
  private let descriptor: Int32
  private let isOwner: Bool
  private var rest: [UInt8] = []
  private var isAtEnd = false
  /// What ends a path: a line break, or zero where the first bytes have one (`find -print0`).
  private var end: UInt8?
  /// Bytes of one line at most; no path is longer.
  private static let longestLine = 1 << 20

  /// Reads an open descriptor, which stays open.
  ///
  /// - Parameter name: What it is called in messages.
  public init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
    isOwner = false
  }

  /// Opens a file.
  public init(path: String) throws(FileError) {
    let file = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else {
      throw FileError(
        path: path, kind: .unreadable,
        message: errno == ENOENT ? "there is no such file" : "cannot be read: \(Self.reason)")
    }
    descriptor = file
    name = path
    isOwner = true
  }

  deinit { if isOwner { close(descriptor) } }

  private static var reason: String { String(cString: strerror(errno)) }

  /// Lines that are not empty, at least one and at most `limit`; nil after the last. Waits for the
  /// first one.
  public func lines(atMost limit: Int) throws(FileError) -> [String]? {
    var lines: [String] = []
    while lines.count < limit {
      takeLines(into: &lines, limit: limit)
      if lines.count >= limit || isAtEnd || !lines.isEmpty && !hasMore() { break }
      try readMore()
    }
    return lines.isEmpty ? nil : lines
  }

  private func takeLines(into lines: inout [String], limit: Int) {
    var start = 0
    if end == nil, !rest.isEmpty {
      if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest.removeFirst(3) }
      end = rest.contains(0) ? 0 : 0x0A
    }
    let mark = end ?? 0x0A
    while lines.count < limit {
      let end = rest[start...].firstIndex(of: mark)
      guard end != nil || isAtEnd && start < rest.count else { break }
      var line = rest[start..<(end ?? rest.count)]
      if mark != 0, line.last == 0x0D { line.removeLast() }
      if !line.isEmpty { lines.append(String(pathBytes: line)) }
      start = min((end ?? rest.count) + 1, rest.count)
    }
    rest.removeFirst(start)
  }

  /// Whether reading would not wait.
  private func hasMore() -> Bool {
    var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&question, 1, 0) > 0
  }

  private func readMore() throws(FileError) {
    guard rest.count <= Self.longestLine else {
      throw .malformed(name, "has a line of over a million bytes; expected a path on each")
    }
    var failure: Int32?
    let size = 1 << 16
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      var got = read(descriptor, buffer.baseAddress, size)
      while got < 0, errno == EINTR { got = read(descriptor, buffer.baseAddress, size) }
      if got < 0 { failure = errno }
      filled = max(0, got)
    }
    if let failure {
      throw FileError(
        path: name, kind: .failed, message: "cannot be read: \(String(cString: strerror(failure)))")
    }
    isAtEnd = bytes.isEmpty
    rest += bytes
  }
}
