extension Tensor {
  private enum Ops {
    static let reshape = Op("reshape")
    static let permute = Op("permute")
    static let transpose = Op("transpose", "int")
    static let unsqueeze = Op("unsqueeze")
    static let squeeze = Op("squeeze", "dim")
    static let expand = Op("expand")
    static let flatten = Op("flatten", "using_ints")
    static let split = Op("split", "Tensor")
    static let splitSizes = Op("split_with_sizes")
    static let unbind = Op("unbind", "int")
    static let narrow = Op("narrow")
    static let select = Op("select", "int")
    static let indexSelect = Op("index_select")
    static let viewDType = Op("view", "dtype")
    static let flip = Op("flip")
    static let roll = Op("roll")
    static let repeated = Op("repeat")
    static let contiguous = Op("contiguous")
    static let toType = Op("to", "dtype")
    static let toDevice = Op("to", "device")
    static let pinMemory = Op("pin_memory")
    static let detach = Op("detach")
    static let clone = Op("clone")
  }

  /// The same elements in another shape; −1 stands for the size that fits.
  public func reshaped(
    _ shape: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.reshape(self, shape, file: file, line: line)
  }

  /// Dimensions in another order.
  public func permuted(
    _ order: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.permute(self, order, file: file, line: line)
  }

  /// Two dimensions exchanged.
  public func transposed(
    _ a: Int, _ b: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.transpose(self, a, b, file: file, line: line)
  }

  /// A dimension of size 1 inserted.
  public func unsqueezed(
    _ dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.unsqueeze(self, dimension, file: file, line: line)
  }

  /// A dimension of size 1 removed.
  public func squeezed(
    _ dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.squeeze(self, dimension, file: file, line: line)
  }

  /// Dimensions of size 1 repeated without a copy; −1 leaves a size as it is.
  public func expanded(
    _ shape: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.expand(self, shape, file: file, line: line)
  }

  /// Dimensions from `first` to `last` made one.
  public func flattened(
    from first: Int = 0, to last: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.flatten(self, first, last, file: file, line: line)
  }

  /// Pieces of `size` along a dimension.
  public func split(
    _ size: Int, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    Ops.split.all(self, size, dimension, file: file, line: line)
  }

  /// Pieces of the given sizes along a dimension.
  public func split(
    sizes: [Int], along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    Ops.splitSizes.all(self, sizes, dimension, file: file, line: line)
  }

  /// Slices along a dimension, without it.
  public func unbound(
    along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> [Tensor] {
    Ops.unbind.all(self, dimension, file: file, line: line)
  }

  /// The part of a dimension that a range names, without a copy.
  public func narrowed(
    _ dimension: Int, to range: Range<Int>, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.narrow(self, dimension, range.lowerBound, range.count, file: file, line: line)
  }

  /// One slice along a dimension, without it.
  public func selected(
    _ index: Int, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.select(self, dimension, index, file: file, line: line)
  }

  /// Slices along a dimension, in the order that `indices` `[K]` names them.
  public func selected(
    _ indices: Tensor, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.indexSelect(self, dimension, indices, file: file, line: line)
  }

  /// The same bytes as elements of another type of the same size.
  public func viewed(
    as type: DType, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.viewDType(self, type, file: file, line: line)
  }

  /// Dimensions reversed.
  public func flipped(_ dimensions: [Int]) -> Tensor { Ops.flip(self, dimensions) }

  /// Elements moved by some places along a dimension; those that leave at the end enter at the
  /// front.
  public func rolled(
    by places: Int, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.roll(self, [places], [dimension], file: file, line: line)
  }

  /// Copies side by side, so many along each dimension; new dimensions come first.
  public func repeated(
    _ counts: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.repeated(self, counts, file: file, line: line)
  }

  /// The elements row by row in one piece; itself where they lie so already.
  public func contiguous() -> Tensor { Ops.contiguous(self) }

  /// Elements of another type; itself where it has that type.
  public func to(_ type: DType) -> Tensor {
    isDefined && type == dtype ? self : Ops.toType(self, type)
  }

  /// On another device; itself where it is there already.
  public func to(_ device: Device) -> Tensor {
    if device == self.device { return self }
    return isDefined ? Ops.toDevice(self, device, dtype) : detached()
  }

  /// On its way to another device: to a GPU through page-locked memory, without waiting for the
  /// copy. The tensor's own memory may be written again at once.
  public func sent(to device: Device) -> Tensor {
    guard device.isAsynchronous, self.device == .cpu, isDefined else { return to(device) }
    return Ops.toDevice(device.kind == .cuda ? Ops.pinMemory(self) : self, device, dtype, true)
  }

  /// The same memory without a past: gradients stop here.
  public func detached() -> Tensor { Ops.detach(self) }

  /// A copy in memory of its own; gradients flow through it.
  public func cloned() -> Tensor { Ops.clone(self) }
}

/// Tensors one after the other along a dimension.
public func concatenated(
  _ tensors: [Tensor], along dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Joining.cat(tensors, dimension, file: file, line: line)
}

/// Tensors of one shape along a new dimension.
public func stacked(
  _ tensors: [Tensor], along dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  Joining.stack(tensors, dimension, file: file, line: line)
}

private enum Joining {
  static let cat = Op("cat")
  static let stack = Op("stack")
}
