#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads a whole regular file.
///
/// - Throws: ``FileError`` of kind `missing`, `unreadable`, or `malformed` where it has more than `limit`
///   bytes.
package func wholeFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
  // Not blocking, or a named pipe without a writer would hold the program here.
  let file = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
  guard file >= 0 else { throw readFailure(path, errno) }
  defer { close(file) }
  var status = stat()
  guard fstat(file, &status) == 0 else { throw readFailure(path, errno) }
  guard status.st_mode & S_IFMT == S_IFREG else {
    let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
    throw FileError(path: path, kind: .unreadable, message: "is \(found); expected a file")
  }
  let count = Int(status.st_size)
  guard count <= limit else {
    throw FileError(
      path: path, kind: .malformed,
      message: "has \(count) bytes; files of at most \(limit) are read")
  }
  var failure: Int32 = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    while filled < count {
      let got = read(file, buffer.baseAddress.map { $0 + filled }, count - filled)
      if got > 0 {
        filled += got
      } else if got == 0 {
        break
      } else if errno != EINTR {
        failure = errno
        break
      }
    }
  }
  guard failure == 0 else { throw readFailure(path, failure) }
  return bytes
}

private func readFailure(_ path: String, _ code: Int32) -> FileError {
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
