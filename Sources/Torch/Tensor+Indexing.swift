extension Tensor {
  private enum Ops {
    static let gather = Op("gather")
    static let scatter = Op("scatter", "src")
    static let scatterAdd = Op("scatter_add")
    static let argsort = Op("argsort")
    static let sort = Op("sort")
    static let stableSort = Op("sort", "stable")
    static let topk = Op("topk")
    static let nonzero = Op("nonzero")
    static let oneHot = Op("one_hot")
  }

  /// The elements that `indices`, of the result's shape, names along a dimension.
  public func gathered(
    _ indices: Tensor, along dimension: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.gather(self, dimension, indices, file: file, line: line)
  }

  /// A copy with `source` written to the places that `indices` names along a dimension.
  public func scattered(
    _ source: Tensor, to indices: Tensor, along dimension: Int,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.scatter(self, dimension, indices, source, file: file, line: line)
  }

  /// A copy with `source` added to the places that `indices` names along a dimension; a place that
  /// is named twice gets both.
  public func scatterAdded(
    _ source: Tensor, to indices: Tensor, along dimension: Int,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.scatterAdd(self, dimension, indices, source, file: file, line: line)
  }

  /// The order that sorts a dimension, as int64.
  public func argsort(along dimension: Int = -1, descending: Bool = false) -> Tensor {
    Ops.argsort(self, dimension, descending)
  }

  /// The elements of a dimension in order, and the places they come from, as int64.
  public func sorted(
    along dimension: Int = -1, descending: Bool = false
  ) -> (values: Tensor, indices: Tensor) {
    pair(Ops.sort.all(self, dimension, descending))
  }

  /// The elements of a dimension in order, and the places they come from, as int64; equal elements
  /// stay in the order that they had.
  public func stablySorted(
    along dimension: Int = -1, descending: Bool = false
  ) -> (values: Tensor, indices: Tensor) {
    pair(
      Ops.stableSort.all(
        self, Named("stable", true), Named("dim", dimension), Named("descending", descending)))
  }

  /// The `k` largest elements along a dimension and their places, largest first.
  public func topK(
    _ k: Int, along dimension: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(Ops.topk.all(self, k, dimension, file: file, line: line))
  }

  /// The places of elements that are true or not zero, row by row: `[K, rank]`, as int64. On a GPU
  /// this waits for the device.
  public func nonzero() -> Tensor { Ops.nonzero(self) }

  /// Whole numbers from 0 to `classes` − 1 as rows with a single 1: `[…]` int64 → `[…, classes]`
  /// int64.
  public func oneHot(
    _ classes: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.oneHot(self, classes, file: file, line: line)
  }
}
