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
  private let start: UnsafeMutableRawPointer?

  /// Maps a regular file.
  package init(_ path: String) throws(FileError) {
    // Not blocking, or a named pipe without a writer would hold the program here.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
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

  /// A tensor over `range`, or a copy of it where the elements would not be aligned.
  ///
  /// - Precondition: `range` lies in the file and has the bytes that `shape` and `dtype` need.
  func tensor(_ range: Range<Int>, shape: [Int], dtype: DType) throws(FileError) -> Tensor {
    guard let start, !range.isEmpty else { return Tensor.empty(shape, dtype: dtype) }
    return try withBytes { (bytes) throws(FileError) in
      if dtype == .bool, bytes[range].contains(where: { $0 > 1 }) {
        throw .malformed(path, "holds truth values other than 0 and 1")
      }
      let first = start + range.lowerBound
      if Int(bitPattern: first) % dtype.size == 0 {
        return Tensor(wrapping: first, shape: shape, dtype: dtype, owner: self)
      }
      let copy = Tensor.empty(shape, dtype: dtype)
      copy.withMutableBytes { $0.copyBytes(from: bytes[range]) }
      return copy
    }
  }
}

/// Bytes of a tensor, or nil where the sizes overflow, are negative or are too many to be a tensor.
///
/// Dimensions of size 0 count as 1 in the overflow check, since libtorch computes strides over them.
func byteCount(shape: [Int], dtype: DType) -> Int? {
  guard shape.count <= 64 else { return nil }
  var extent = dtype.size
  for size in shape {
    let (product, overflow) = extent.multipliedReportingOverflow(by: max(size, 1))
    if size < 0 || overflow { return nil }
    extent = product
  }
  return shape.contains(0) ? 0 : extent
}

/// Whether there is a folder of that name.
package func isFolder(_ path: String) -> Bool { kind(of: path) == S_IFDIR }

/// Whether there is a file of that name.
package func isFile(_ path: String) -> Bool { kind(of: path) == S_IFREG }

private func kind(of path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
}
