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
  package let bytes: UnsafeMutableRawBufferPointer

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
    let count = Int(status.st_size)
    if count == 0 {  // An empty file cannot be mapped.
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    // Copy on write without a reservation: a file larger than memory can be mapped.
    let flags = MAP_PRIVATE | MAP_NORESERVE
    let start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, file, 0)
    guard let start, start != MAP_FAILED else {
      throw .system("cannot be mapped into memory", path, .failed)
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  deinit { if let start = bytes.baseAddress { munmap(start, bytes.count) } }

  /// A tensor over `range`, or a copy of it where the elements would not be aligned.
  ///
  /// - Precondition: `range` lies in the file and has the bytes that `shape` and `dtype` need.
  func tensor(_ range: Range<Int>, shape: [Int], dtype: DType) throws(FileError) -> Tensor {
    let source = UnsafeMutableRawBufferPointer(rebasing: bytes[range])
    if dtype == .bool, source.contains(where: { $0 > 1 }) {
      throw .malformed(path, "holds truth values other than 0 and 1")
    }
    guard let start = source.baseAddress, !source.isEmpty else {
      return Tensor.empty(shape, dtype: dtype)
    }
    if Int(bitPattern: start) % dtype.size == 0 {
      return Tensor(wrapping: start, shape: shape, dtype: dtype, owner: self)
    }
    let copy = Tensor.empty(shape, dtype: dtype)
    copy.withMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(source)) }
    return copy
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
