#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that is written under a name of its own, where it can be read and gone on with, and gets
/// its right name when it is whole; for one thread. ``AtomicFile`` is for what nobody needs before.
package final class PartFile {
  /// The name it is written under.
  package let path: String
  /// Bytes written so far, those of before included.
  package private(set) var size: Int
  private var descriptor: Int32

  /// Creates a file, and the folders it is in.
  ///
  /// - Parameter continuing: Whether what is in the file already stays, for more to be added.
  package init(_ path: String, continuing: Bool = false) throws(FileError) {
    try makeFolder(above: path)
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (continuing ? 0 : O_TRUNC)
    descriptor = path.withSystemPath { open($0, flags, 0o666) }
    size = 0
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      throw .system("cannot be written", path, .unwritable)
    }
    size = Int(status.st_size)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds bytes at the end.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    let start = size
    var failure: FileError?
    do throws(FileError) {
      try writeAll(bytes, to: descriptor, of: path)
      size = start + bytes.count
    } catch {
      failure = error
      // What a full disk took of them counts.
      var status = stat()
      if fstat(descriptor, &status) == 0 { size = Int(status.st_size) }
    }
    if let failure { throw failure }
  }

  /// Adds bytes at the end.
  package func append(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(FileError) in
      try append(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Begins anew.
  package func truncate() throws(FileError) {
    guard ftruncate(descriptor, 0) == 0 else { throw .system("cannot be written", path, .failed) }
    size = 0
  }

  /// Brings the content to the disk.
  package func synchronize() throws(FileError) {
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw .system("cannot be written", path, .failed)
    }
  }

  /// Brings the content to the disk and gives the file its name. Nothing can be written afterwards.
  package func finish(as name: String) throws(FileError) {
    try synchronize()
    let status = close(descriptor)
    descriptor = -1
    guard status == 0 else { throw .system("cannot be written", path, .failed) }
    try renameFile(path, to: name)
  }

  /// Removes what has been written.
  package func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    removeFile(path)
  }
}

/// Gives a file another name, in the place of the file that has it.
package func renameFile(_ path: String, to name: String) throws(FileError) {
  let status = path.withSystemPath { old in name.withSystemPath { new in rename(old, new) } }
  guard status == 0 else { throw .system("cannot be written", name, .unwritable) }
}

/// Removes a file, if it is there and may be removed.
package func removeFile(_ path: String) { _ = path.withSystemPath { unlink($0) } }

/// Writes all bytes to an open descriptor.
func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, of path: String
) throws(FileError) {
  var rest = bytes[...]
  while !rest.isEmpty {
    // Systems write no more than 2 GiB at a time.
    let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
    let written = write(descriptor, piece.baseAddress, piece.count)
    if written < 0 {
      if errno == EINTR { continue }
      throw .system("cannot be written", path, .failed)
    }
    rest = rest.dropFirst(written)
  }
}
