import FileSystem
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Bytes that are read from any place, from any thread.
protocol ByteSource: AnyObject, Sendable {
  /// What it is called in messages.
  var path: String { get }
  /// Number of bytes.
  var size: Int { get }
  /// `count` bytes at `offset`.
  ///
  /// - Throws: `ImageError` of kind `truncated` where there are fewer.
  func bytes(_ count: Int, at offset: Int) throws(ImageError) -> [UInt8]
}

extension ByteSource {
  /// - Throws: `ImageError` of kind `truncated` where a range does not lie within.
  func check(_ count: Int, at offset: Int) throws(ImageError) {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw ImageError(
        .truncated, name: path, "has \(size) bytes; \(count) at \(offset) are needed")
    }
  }
}

/// A regular file that is open for reading, from any thread.
final class OpenFile: ByteSource {
  let path: String
  /// Bytes it had when it was opened.
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws(ImageError) {
    let opened = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard opened >= 0 else {
      throw errno == ENOENT || errno == ENOTDIR
        ? ImageError(.missing, name: path, "there is no such file")
        : ImageError(.unreadable, name: path, "cannot be read: \(String(cString: strerror(errno)))")
    }
    var status = stat()
    guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw ImageError(.unreadable, name: path, "is no regular file; expected one")
    }
    self.path = path
    descriptor = opened
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Reads from `offset` until `buffer` is full or the file ends; gives the number of bytes.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(ImageError) -> Int {
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
        throw ImageError(
          .unreadable, name: path, "cannot be read: \(String(cString: strerror(errno)))")
      }
    }
    return filled
  }

  /// `count` bytes at `offset`.
  ///
  /// - Throws: `ImageError` of kind `truncated` where the file ends before.
  func bytes(_ count: Int, at offset: Int) throws(ImageError) -> [UInt8] {
    try check(count, at: offset)
    var failure: ImageError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(ImageError) {
        filled = try read(
          into: UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    guard bytes.count == count else {
      throw ImageError(.truncated, name: path, "has become shorter while it was read")
    }
    return bytes
  }
}
