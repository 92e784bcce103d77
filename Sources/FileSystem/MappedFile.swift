#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The bytes of a file mapped into memory; pages are read when they are touched.
///
/// The mapping is private: what is written to it stays in this process. A file that another program
/// cuts short while it is mapped stops this one, as with any mapped file; ``AtomicFile`` never does
/// that to a reader.
package final class MappedFile: @unchecked Sendable {  // Sendable: set once, unmapped by `deinit`.
  package let path: String
  /// Number of bytes.
  package let count: Int
  /// Valid as long as this object is: to be used through ``withBytes(_:)``.
  package let start: UnsafeMutableRawPointer?

  /// Maps a regular file.
  package init(_ path: String) throws(FileError) {
    // Not blocking, or a named pipe without a writer would hold the program here.
    let file = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard file >= 0 else { throw .system("cannot be opened", path, .unreadable) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .system("cannot be read", path, .unreadable) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or a pipe"
      throw FileError(path: path, kind: .unreadable, message: "is \(kind), not a file")
    }
    self.path = path
    count = Int(status.st_size)
    if count == 0 {  // An empty file cannot be mapped.
      start = nil
      return
    }
    // Copy on write without a reservation: a file larger than memory can be mapped.
    let flags = MAP_PRIVATE | MAP_NORESERVE
    start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, file, 0)
    guard start != MAP_FAILED else {
      throw .system("cannot be mapped into memory", path, .failed)
    }
  }

  deinit { if start != MAP_FAILED, let start { munmap(start, count) } }

  /// Calls `body` with the bytes, which are not to be used afterwards.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // The pointer alone does not keep the mapping: its last use may come after this object's.
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// The bytes of a file that is meant to be short, such as a configuration.
  package static func contents(of path: String, limit: Int = 100_000_000) throws(FileError)
    -> [UInt8]
  {
    let file = try MappedFile(path)
    guard file.count <= limit else {
      throw .malformed(path, "has \(file.count) bytes; expected at most \(limit)")
    }
    return file.withBytes { Array($0) }
  }
}
