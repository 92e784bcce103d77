import Foundation
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that is written under a name of its own and gets its right name when it is whole; for one
/// thread.
final class OutputFile {
  let path: String
  /// Bytes written so far.
  private(set) var size = 0
  private var descriptor: Int32

  /// Creates a file, and the folders it is in.
  init(_ path: String) throws(ImageError) {
    self.path = path
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(ImageError) {
    var written = 0
    var code: Int32 = 0
    bytes.withUnsafeBytes { bytes in
      while written < bytes.count {
        let put = systemWrite(
          descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        if put >= 0 {
          written += put
        } else if errno != EINTR {
          code = errno
          return
        }
      }
    }
    guard code == 0 else { throw failure(code) }
    size += bytes.count
  }

  /// Makes the file longer by zeros that take no room on the disk.
  func extend(to count: Int) throws(ImageError) {
    guard ftruncate(descriptor, off_t(count)) == 0 else { throw failure(errno) }
    size = count
  }

  /// Brings the content to the disk and gives the file its name.
  func finish(as name: String) throws(ImageError) {
    guard fsync(descriptor) == 0 else { throw failure(errno) }
    close(descriptor)
    descriptor = -1
    guard rename(path, name) == 0 else { throw failure(errno) }
  }

  /// Removes what has been written.
  func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    unlink(path)
  }

  private func failure(_ code: Int32) -> ImageError {
    ImageError(.unreadable, name: path, "cannot be written: \(String(cString: strerror(code)))")
  }
}

/// Gives a file its right name.
func move(_ path: String, to name: String) throws(ImageError) {
  guard rename(path, name) == 0 else {
    throw ImageError(
      .unreadable, name: name, "cannot be written: \(String(cString: strerror(errno)))")
  }
}

private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(file, bytes, count)
}

/// Writes a whole file under a temporary name and renames it.
func writeFile(_ bytes: [UInt8], to path: String) throws(ImageError) {
  let output = try OutputFile(path + ".part-\(getpid())")
  do throws(ImageError) {
    try output.write(bytes)
    try output.finish(as: path)
  } catch {
    output.discard()
    throw error
  }
}
