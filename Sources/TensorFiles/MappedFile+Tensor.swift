import FileSystem
import Torch

extension MappedFile {
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
/// Dimensions of size 0 count as 1 in the overflow check, since libtorch computes strides over
/// them.
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
