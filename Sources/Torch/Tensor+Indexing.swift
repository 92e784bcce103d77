extension Tensor {
  private enum Ops {
    static let indexSelect = Op("index_select")
    static let gather = Op("gather")
    static let scatter = Op("scatter", "src")
    static let argsort = Op("argsort")
    static let argmax = Op("argmax")
    static let topk = Op("topk")
  }

  /// Slices along a dimension, in the order that `indices` `[K]` names them.
  public func taking(
    _ indices: Tensor, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.indexSelect(self, dimension, indices, file: file, line: line)
  }

  /// The elements that `indices`, of the result's shape, names along a dimension.
  public func gathered(
    _ indices: Tensor, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.gather(self, dimension, indices, file: file, line: line)
  }

  /// A copy with `source` written to the places that `indices` names along a dimension.
  public func scattering(
    _ source: Tensor, to indices: Tensor, along dimension: Int
  ) -> Tensor {
    Ops.scatter(self, dimension, indices, source)
  }

  /// The order that sorts a dimension, as int64.
  public func argsorted(along dimension: Int = -1, descending: Bool = false) -> Tensor {
    Ops.argsort(self, dimension, descending)
  }

  /// The place of the largest element along a dimension, as int64.
  public func argmax(along dimension: Int) -> Tensor { Ops.argmax(self, dimension) }

  /// The largest elements along the last dimension and their places, largest first.
  public func topK(_ k: Int) -> (values: Tensor, indices: Tensor) {
    let results = Ops.topk.all(self, k)
    return results.count == 2 ? (results[0], results[1]) : (Tensor(), Tensor())
  }
}
