extension Tensor {
  private enum Ops {
    static let layerNorm = Op("layer_norm")
    static let groupNorm = Op("group_norm")
    static let batchNorm = Op("batch_norm")
  }

  /// `(x − mean) / √(variance + ε) · weight + bias` over the last dimension.
  public func layerNorm(
    _ weight: Tensor, _ bias: Tensor, epsilon: Double,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.layerNorm(self, [weight.count], weight, bias, epsilon, file: file, line: line)
  }

  /// `(x − mean) / √(variance + ε) · weight + bias` over `C / groups` channels of an image at a
  /// time: `[B, C, …]` → `[B, C, …]`.
  ///
  /// - Parameters:
  ///   - weight: `[C]`.
  ///   - bias: `[C]`.
  public func groupNorm(
    groups: Int, _ weight: Tensor? = nil, _ bias: Tensor? = nil, epsilon: Double,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.groupNorm(self, groups, weight, bias, epsilon, false, file: file, line: line)
  }

  /// `(x − mean) / √(variance + ε) · weight + bias` for each channel: `[B, D]` or `[B, D, …]`, the
  /// same shape.
  ///
  /// - Parameters:
  ///   - weight: `[D]`; nil for ones.
  ///   - bias: `[D]`; nil for zeros.
  ///   - mean: Running means `[D]`; in training they move towards the batch's by `momentum`.
  ///   - variance: Running variances `[D]`, likewise.
  ///   - isTraining: Whether the batch's own statistics are used.
  public func batchNorm(
    _ weight: Tensor? = nil, _ bias: Tensor? = nil, mean: Tensor, variance: Tensor,
    isTraining: Bool, momentum: Double, epsilon: Double,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.batchNorm(
      self, weight, bias, mean, variance, isTraining, momentum, epsilon, false,
      file: file, line: line)
  }
}
