#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that only grows; every write goes to the system at once, so that a killed run loses no
/// line that was written.
package final class LogFile {
  package let path: String
  private let descriptor: Int32

  /// Opens a file at its end, and creates it if it is not there.
  package init(at path: String) throws(FileError) {
    self.path = path
    descriptor = path.withSystemPath {
      open($0, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    }
    guard descriptor >= 0 else { throw .system("cannot be written", path, .failed) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds bytes at the end.
  package func append(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(FileError) in
      try writeAll(UnsafeRawBufferPointer(bytes), to: descriptor, of: path)
    }
  }

  /// Adds text at the end, as UTF-8.
  package func append(_ text: String) throws(FileError) { try append(Array(text.utf8)) }

  /// Ends a last line that was cut off, so that the next one starts on its own.
  package func startLine() throws(FileError) {
    let end = lseek(descriptor, 0, SEEK_END)
    var last: UInt8 = 0
    guard end > 0, pread(descriptor, &last, 1, end - 1) == 1, last != 0x0A else { return }
    try append("\n")
  }
}
