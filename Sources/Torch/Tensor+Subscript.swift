// Named after what mlx-swift and NumPy offer: whole numbers, ranges, `.all`, `.newAxis`,
// `.ellipsis`, `.stride` and tensors, one for each dimension.

/// What a tensor's subscript takes for one of its dimensions.
public protocol TensorIndex {
  /// What the index does.
  var selection: TensorSelection { get }
}

/// What one index of a subscript does: `.all`, `.newAxis`, `.ellipsis` and `.stride`.
public struct TensorSelection: TensorIndex {
  enum Kind {
    /// One slice; the dimension goes.
    case one(Int)
    /// The slices from `start` up to and without `end`; nil for the ends of the dimension.
    case slices(start: Int?, end: Int?, step: Int)
    /// A dimension of size 1 is inserted.
    case newAxis
    /// As many whole dimensions as the other indices leave.
    case ellipsis
    /// Slices in the order of an int64 tensor, or where a `bool` tensor is true.
    case elements(Tensor)
  }

  let kind: Kind

  public var selection: TensorSelection { self }
}

extension TensorIndex where Self == TensorSelection {
  /// The whole dimension: PyTorch's `:`.
  public static var all: TensorSelection { .slices(from: nil, to: nil) }

  /// A new dimension of size 1: PyTorch's `None`.
  public static var newAxis: TensorSelection { TensorSelection(kind: .newAxis) }

  /// As many whole dimensions as the other indices leave: PyTorch's `...`.
  public static var ellipsis: TensorSelection { TensorSelection(kind: .ellipsis) }

  /// Every `step`th slice: PyTorch's `start:end:step`. Negative numbers count from the end, so that
  /// `.stride(from: 1, to: -1)` leaves out the first and the last.
  public static func stride(
    from start: Int? = nil, to end: Int? = nil, by step: Int = 1
  ) -> TensorSelection {
    TensorSelection(kind: .slices(start: start, end: end, step: step))
  }

  fileprivate static func slices(from start: Int?, to end: Int?) -> TensorSelection {
    TensorSelection(kind: .slices(start: start, end: end, step: 1))
  }
}

extension Int: TensorIndex {
  public var selection: TensorSelection { TensorSelection(kind: .one(self)) }
}

extension Range: TensorIndex where Bound == Int {
  public var selection: TensorSelection { .slices(from: lowerBound, to: upperBound) }
}

extension ClosedRange: TensorIndex where Bound == Int {
  public var selection: TensorSelection {
    // After −1, the last, comes the end and not the first.
    .slices(from: lowerBound, to: upperBound == -1 ? nil : upperBound + 1)
  }
}

extension PartialRangeFrom: TensorIndex where Bound == Int {
  public var selection: TensorSelection { .slices(from: lowerBound, to: nil) }
}

extension PartialRangeUpTo: TensorIndex where Bound == Int {
  public var selection: TensorSelection { .slices(from: nil, to: upperBound) }
}

extension PartialRangeThrough: TensorIndex where Bound == Int {
  public var selection: TensorSelection {
    .slices(from: nil, to: upperBound == -1 ? nil : upperBound + 1)
  }
}

extension Tensor: TensorIndex {
  public var selection: TensorSelection { TensorSelection(kind: .elements(self)) }
}

extension Tensor {
  private enum Ops {
    static let select = Op("select", "int")
    static let narrow = Op("narrow")
    static let slice = Op("slice", "Tensor")
    static let unsqueeze = Op("unsqueeze")
    static let index = Op("index", "Tensor")
    static let indexPut_ = Op("index_put_")
    static let copy_ = Op("copy_")
  }

  /// A part of the tensor: one index for each dimension, from the first; those that are left out
  /// are whole.
  ///
  /// ```swift
  /// x[0]                       // the first slice, without its dimension
  /// x[-1, 2..<5]               // of the last slice, rows 2 to 4
  /// x[0, 1..., .all, .newAxis] // all rows but the first, and a dimension of size 1 at the end
  /// x[..., 0]                  // the first element of the last dimension
  /// x[.stride(by: 2)]          // every other slice
  /// x[Tensor([2, 0])]          // slices 2 and 0, in this order
  /// x[x .> 0]                  // the elements above zero, `[K]`
  /// ```
  ///
  /// A number or a range outside the dimension stops the program, or throws inside
  /// ``withTorchErrors(_:)``. Without tensors among the indices the result shares memory with
  /// `self`; with them it is a copy, and the dimensions of several index tensors are broadcast
  /// against each other as in PyTorch.
  ///
  /// Assigning writes into the tensor's memory, with broadcasting and conversion of type and
  /// device: `x[..., 0] = Tensor.zeros([3])`.
  public subscript(
    indices: (any TensorIndex)..., file file: StaticString = #fileID, line line: UInt = #line
  ) -> Tensor {
    get { element(indices.map(\.selection), file, line) }
    nonmutating set { assign(newValue, indices.map(\.selection), file, line) }
  }

  /// A part of the tensor by its last dimensions: `x[..., 0]` is `x[.ellipsis, 0]`.
  public subscript(
    _: UnboundedRange, indices: (any TensorIndex)..., file file: StaticString = #fileID,
    line line: UInt = #line
  ) -> Tensor {
    get { element([.ellipsis] + indices.map(\.selection), file, line) }
    nonmutating set { assign(newValue, [.ellipsis] + indices.map(\.selection), file, line) }
  }

  private func element(
    _ selections: [TensorSelection], _ file: StaticString, _ line: UInt
  ) -> Tensor {
    let (part, tensors) = view(selections, file, line)
    return tensors.isEmpty ? part : Ops.index(part, tensors, file: file, line: line)
  }

  private func assign(
    _ value: Tensor, _ selections: [TensorSelection], _ file: StaticString, _ line: UInt
  ) {
    let (part, tensors) = view(selections, file, line)
    if tensors.isEmpty {
      _ = Ops.copy_(part, value, file: file, line: line)
    } else {
      let fitting = part.isDefined ? value.to(part.dtype).sent(to: part.device) : value
      _ = Ops.indexPut_(part, tensors, fitting, file: file, line: line)
    }
  }

  /// What numbers, ranges and new dimensions select, and what is left for `index`: a tensor for
  /// each dimension, undefined for a whole one, up to the last that is not whole.
  private func view(
    _ selections: [TensorSelection], _ file: StaticString, _ line: UInt
  ) -> (part: Tensor, tensors: [Tensor]) {
    var part = self
    var tensors: [Tensor] = []
    var dimension = 0
    var rest = rank - selections.reduce(0) { $0 + $1.consumed }
    guard isDefined, rest >= 0 else {
      TorchFailure.report(
        TorchError(
          operation: "subscript",
          message: "\(rank - rest) indices for a tensor of \(rank) dimensions, \(shape)"), file,
        line)
      return (Tensor(), [])
    }
    /// Leaves dimensions as they are.
    func pass(_ count: Int) {
      dimension += count
      tensors += [Tensor](repeating: Tensor(), count: count)
    }
    for selection in selections {
      switch selection.kind {
      case .one(let index):
        part = Ops.select(part, dimension, index, file: file, line: line)
      case .slices(start: nil, end: nil, step: 1):
        pass(1)
      case .slices(let start, let end, let step):
        part = part.sliced(dimension, start, end, step, file, line)
        pass(1)
      case .newAxis:
        part = Ops.unsqueeze(part, dimension, file: file, line: line)
        pass(1)
      case .ellipsis:
        pass(Swift.max(0, rest))
        rest = 0
      case .elements(let tensor):
        tensors.append(tensor)
        dimension += selection.consumed
      }
    }
    while let last = tensors.last, !last.isDefined { tensors.removeLast() }
    return (part, tensors)
  }

  /// Every `step`th slice from `start` to `end`, which may count from the end.
  private func sliced(
    _ dimension: Int, _ start: Int?, _ end: Int?, _ step: Int, _ file: StaticString, _ line: UInt
  ) -> Tensor {
    let size = shape[dimension]
    func place(_ index: Int) -> Int { index < 0 ? index + size : index }
    let (from, to) = (place(start ?? 0), place(end ?? size))
    let part = Ops.narrow(self, dimension, from, to - from, file: file, line: line)
    return step == 1
      ? part
      : Ops.slice(part, dimension, Int?.none, Int?.none, step, file: file, line: line)
  }
}

extension TensorSelection {
  /// How many of a tensor's dimensions the index is for.
  fileprivate var consumed: Int {
    switch kind {
    case .one, .slices: 1
    case .newAxis, .ellipsis: 0
    // A mask is for as many dimensions as it has.
    case .elements(let tensor): tensor.isDefined && tensor.dtype == .bool ? tensor.rank : 1
    }
  }
}
