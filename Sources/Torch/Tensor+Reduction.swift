extension Tensor {
  private enum Ops {
    static let sum = Op("sum")
    static let sumDim = Op("sum", "dim_IntList")
    static let mean = Op("mean")
    static let meanDim = Op("mean", "dim")
    static let varCorrection = Op("var", "correction")
    static let max = Op("max")
    static let min = Op("min")
    static let maxDim = Op("max", "dim")
    static let minDim = Op("min", "dim")
    static let argmax = Op("argmax")
    static let argmin = Op("argmin")
    static let cumsum = Op("cumsum")
    static let all = Op("all")
    static let any = Op("any")
    static let norm = Op("linalg_vector_norm")
  }

  /// The sum of all elements.
  public func sum() -> Tensor { Ops.sum(self) }

  /// Sums over dimensions.
  public func sum(_ dimensions: [Int], keepingDimensions: Bool = false) -> Tensor {
    Ops.sumDim(self, dimensions, keepingDimensions)
  }

  /// The mean of all elements.
  public func mean() -> Tensor { Ops.mean(self) }

  /// Means over dimensions.
  public func mean(_ dimensions: [Int], keepingDimensions: Bool = false) -> Tensor {
    Ops.meanDim(self, dimensions, keepingDimensions)
  }

  /// Variances over dimensions: squared deviations over `n − correction`, 1 being the unbiased
  /// form.
  public func variance(
    _ dimensions: [Int], correction: Int = 1, keepingDimensions: Bool = false
  ) -> Tensor {
    Ops.varCorrection(
      self, dimensions, Named("correction", correction), Named("keepdim", keepingDimensions))
  }

  /// The largest element.
  public func max() -> Tensor { Ops.max(self) }

  /// The smallest element.
  public func min() -> Tensor { Ops.min(self) }

  /// The largest elements along a dimension and their places, as int64.
  public func max(
    along dimension: Int, keepingDimensions: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(Ops.maxDim.all(self, dimension, keepingDimensions, file: file, line: line))
  }

  /// The smallest elements along a dimension and their places, as int64.
  public func min(
    along dimension: Int, keepingDimensions: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Tensor, indices: Tensor) {
    pair(Ops.minDim.all(self, dimension, keepingDimensions, file: file, line: line))
  }

  /// The place of the largest element along a dimension, as int64.
  public func argmax(along dimension: Int, keepingDimensions: Bool = false) -> Tensor {
    Ops.argmax(self, dimension, keepingDimensions)
  }

  /// The place of the smallest element along a dimension, as int64.
  public func argmin(along dimension: Int, keepingDimensions: Bool = false) -> Tensor {
    Ops.argmin(self, dimension, keepingDimensions)
  }

  /// Sums of all elements up to each, along a dimension.
  public func cumulativeSum(along dimension: Int) -> Tensor { Ops.cumsum(self, dimension) }

  /// Whether every element is true.
  public func all() -> Tensor { Ops.all(self) }

  /// Whether at least one element is true.
  public func any() -> Tensor { Ops.any(self) }

  /// The Euclidean length of all elements together.
  public func norm() -> Tensor { Ops.norm(self) }

  /// Euclidean lengths along a dimension.
  public func norm(along dimension: Int, keepingDimensions: Bool = false) -> Tensor {
    Ops.norm(self, 2, [dimension], keepingDimensions)
  }
}

/// The two results of an operator; two undefined tensors where it failed.
func pair(_ results: [Tensor]) -> (values: Tensor, indices: Tensor) {
  results.count == 2 ? (results[0], results[1]) : (Tensor(), Tensor())
}
