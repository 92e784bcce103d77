extension Tensor {
  private enum Ops {
    static let sum = Op("sum")
    static let sumDim = Op("sum", "dim_IntList")
    static let mean = Op("mean")
    static let meanDim = Op("mean", "dim")
    static let varCorrection = Op("var", "correction")
    static let max = Op("max")
    static let min = Op("min")
    static let all = Op("all")
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

  /// Variances over dimensions: squared deviations over `n − correction`, 1 being the unbiased form.
  public func variance(
    _ dimensions: [Int], correction: Int = 1, keepingDimensions: Bool = false
  ) -> Tensor {
    Ops.varCorrection(
      self, dimensions, Named("correction", correction), Named("keepdim", keepingDimensions))
  }

  /// The largest element.
  public func maximum() -> Tensor { Ops.max(self) }

  /// The smallest element.
  public func minimum() -> Tensor { Ops.min(self) }

  /// Whether every element is true.
  public func all() -> Tensor { Ops.all(self) }

  /// The Euclidean length of all elements together.
  public func norm() -> Tensor { Ops.norm(self) }

  /// Euclidean lengths along a dimension.
  public func norm(along dimension: Int, keepingDimensions: Bool = false) -> Tensor {
    Ops.norm(self, 2, [dimension], keepingDimensions)
  }
}
