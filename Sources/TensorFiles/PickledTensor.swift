import Torch

/// A stretch of numbers that tensors of a PyTorch file lie in.
struct PickledStorage: Hashable, Sendable {
  /// Its name in the zip file.
  let key: String
  let dtype: DType
  /// Number of elements.
  let count: Int
}

/// What a pickle says of a tensor.
struct PickledTensor: Hashable, Sendable {
  let storage: PickledStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]

  /// Elements that a tensor may have beyond those of its storage, by repeating some.
  private static let repetitionLimit = 1 << 20

  /// Checks that every element lies in the storage; nil where one does not.
  init?(storage: PickledStorage, offset: Int, shape: [Int], strides: [Int]) {
    guard shape.count == strides.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }),
      let bytes = byteCount(shape: shape, dtype: storage.dtype),
      bytes / storage.dtype.size <= max(storage.count, Self.repetitionLimit)
    else { return nil }
    self.storage = storage
    self.offset = offset
    self.shape = shape
    self.strides = strides
    if bytes == 0 {
      guard offset <= storage.count else { return nil }
      return
    }
    var last = offset
    for (size, stride) in zip(shape, strides) {
      let (step, overflow) = stride.multipliedReportingOverflow(by: size - 1)
      let (sum, overflow2) = last.addingReportingOverflow(step)
      if overflow || overflow2 { return nil }
      last = sum
    }
    guard last < storage.count else { return nil }
  }
}
