#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads a whole regular file.
///
/// - Throws: `ImageError` of kind `missing`, `unreadable` or `tooLarge`.
package func readFile(_ path: String, limit: Int) throws(ImageError) -> [UInt8] {
  let file = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
  guard file >= 0 else { throw fileError(path, errno) }
  defer { close(file) }
  var status = stat()
  guard fstat(file, &status) == 0 else { throw fileError(path, errno) }
  guard status.st_mode & S_IFMT == S_IFREG else {
    let found = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device or pipe"
    throw ImageError(.unreadable, name: path, "is \(found); expected a file")
  }
  let count = Int(status.st_size)
  guard count <= limit else {
    throw ImageError(
      .tooLarge, name: path, "has \(count) bytes; files of at most \(limit) are read")
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
  guard failure == 0 else { throw fileError(path, failure) }
  return bytes
}

/// Reads a whole file of text, without the byte-order mark that it may begin with.
///
/// - Throws: `ImageError` as ``readFile(_:limit:)``.
package func readText(_ path: String, limit: Int) throws(ImageError) -> [UInt8] {
  let bytes = try readFile(path, limit: limit)
  return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
}

private func fileError(_ path: String, _ code: Int32) -> ImageError {
  switch code {
  case ENOENT, ENOTDIR:
    ImageError(.missing, name: path, "there is no such file")
  case EACCES, EPERM:
    ImageError(.unreadable, name: path, "may not be read: check its permissions")
  default:
    ImageError(.unreadable, name: path, "cannot be read: \(String(cString: strerror(code)))")
  }
}
