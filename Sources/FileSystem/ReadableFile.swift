#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A regular file that is open for reading at any place, from any thread.
package final class ReadableFile: Sendable {
  package let path: String
  /// Bytes it had when it was opened.
  package let size: Int
  private let descriptor: Int32

  /// Opens a file.
  package init(_ path: String) throws(FileError) {
    let (file, size) = try openForReading(path)
    self.path = path
    descriptor = file
    self.size = size
  }

  deinit { close(descriptor) }

  /// Reads from `offset` until `buffer` is full or the file ends; gives the number of bytes.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let got = pread(
        descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled,
        off_t(offset + filled))
      if got > 0 {
        filled += got
      } else if got == 0 {
        break
      } else if errno != EINTR {
        throw readFailure(path, errno)
      }
    }
    return filled
  }

  /// `count` bytes at `offset`.
  ///
  /// - Throws: ``FileError`` of kind `malformed` where the file ends before.
  package func bytes(_ count: Int, at offset: Int) throws(FileError) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw .malformed(path, "has \(size) bytes; \(count) at \(offset) are needed")
    }
    let bytes = try filledBytes(count) { (buffer) throws(FileError) in
      try read(into: buffer, at: offset)
    }
    guard bytes.count == count else {
      throw .malformed(path, "has become shorter while it was read")
    }
    return bytes
  }
}

/// The bytes that `fill` puts at the beginning of a buffer of at most `count`; it gives their
/// number.
package func filledBytes(
  _ count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(FileError) -> Int
) throws(FileError) -> [UInt8] {
  var failure: FileError?
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    do throws(FileError) {
      filled = try fill(
        UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}

/// Opens a regular file; gives its descriptor and its size.
func openForReading(_ path: String) throws(FileError) -> (file: Int32, size: Int) {
  // Not blocking, or a named pipe without a writer would hold the program here.
  let file = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
  guard file >= 0 else { throw readFailure(path, errno) }
  var status = stat()
  guard fstat(file, &status) == 0 else {
    let error = readFailure(path, errno)
    close(file)
    throw error
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    close(file)
    let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
    throw FileError(path: path, kind: .unreadable, message: "is \(found); expected a file")
  }
  return (file, Int(status.st_size))
}

/// What a failed reading means to whoever named the file.
func readFailure(_ path: String, _ code: Int32) -> FileError {
  switch code {
  case ENOENT, ENOTDIR:
    FileError(path: path, kind: .missing, message: "there is no such file")
  case EACCES, EPERM:
    FileError(path: path, kind: .unreadable, message: "may not be read: check its permissions")
  default:
    FileError(
      path: path, kind: .unreadable, message: "cannot be read: \(String(cString: strerror(code)))")
  }
}
