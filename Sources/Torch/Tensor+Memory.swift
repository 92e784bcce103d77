internal import CTorch

extension Tensor {
  /// A copy of an array, row by row.
  public init<Element: TensorElement>(_ values: [Element], shape: [Int]? = nil) {
    let shape = shape ?? [values.count]
    precondition(
      shape.reduce(1, *) == values.count,
      "\(values.count) values do not fill the shape \(shape)")
    self = Tensor.empty(shape, dtype: Element.dtype)
    if values.isEmpty { return }  // there is no memory to copy to
    withMutableElements(of: Element.self) { destination in
      values.withUnsafeBufferPointer { _ = destination.update(fromContentsOf: $0) }
    }
  }

  /// A tensor of no dimensions.
  public init<Element: TensorElement>(_ value: Element) { self.init([value], shape: []) }

  /// A tensor over memory that `owner` keeps alive; nothing is copied.
  ///
  /// - Parameters:
  ///   - memory: The first element; elements lie row by row.
  ///   - shape: The size of each dimension.
  ///   - owner: Released when the last tensor over the memory is gone, on whichever thread that is.
  public init(
    wrapping memory: UnsafeMutableRawPointer, shape: [Int], dtype: DType,
    owner: any AnyObject & Sendable
  ) {
    let retained = Unmanaged.passRetained(owner as AnyObject).toOpaque()
    var result: ct_tensor?
    let status = ct_from_memory(
      memory, shape.map(Int64.init), shape.count, dtype.rawValue,
      { if let context = $0 { Unmanaged<AnyObject>.fromOpaque(context).release() } }, retained,
      &result)
    guard status == 0, let result else {
      Unmanaged<AnyObject>.fromOpaque(retained).release()
      TorchFailure.report("from_blob", #fileID, #line)
      self.init()
      return
    }
    self.init(owning: result)
  }

  /// The elements as an array, row by row; converted and copied to the CPU where needed.
  /// On a GPU this waits for the device.
  public func array<Element: TensorElement>(of type: Element.Type = Element.self) -> [Element] {
    let source = self.detached().to(.cpu).to(Element.dtype).contiguous()
    return source.withElements(of: Element.self) { Array($0) }
  }

  /// The elements as 32-bit floats, row by row. On a GPU this waits for the device.
  public func floats() -> [Float] { array() }

  /// Calls `body` with the elements of a contiguous CPU tensor of exactly this type.
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    try withMutableElements(of: type) { try body(UnsafeBufferPointer($0)) }
  }

  /// Calls `body` with the elements of a contiguous CPU tensor of exactly this type, to be changed.
  public func withMutableElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self,
    _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(dtype == Element.dtype, "elements are \(dtype), not \(Element.dtype)")
    return try withMutableBytes { bytes in
      try body(bytes.bindMemory(to: Element.self))
    }
  }

  /// Calls `body` with the bytes of a contiguous CPU tensor.
  public func withMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(
      ct_is_contiguous(handle.raw), "only a contiguous tensor has its elements in one piece")
    let bytes = count * dtype.size
    let start = ct_data(handle.raw)
    precondition(start != nil || bytes == 0, "only a tensor on the CPU has bytes to look at")
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeMutableRawBufferPointer(start: start, count: bytes))
  }
}
