extension Tensor {
  private enum Ops {
    static let linear = Op("linear")
    static let layerNorm = Op("layer_norm")
    static let batchNorm = Op("batch_norm")
    static let gelu = Op("gelu")
    static let softmax = Op("softmax", "int")
    static let logSoftmax = Op("log_softmax", "int")
    static let attention = Op("scaled_dot_product_attention")
    static let mse = Op("mse_loss")
    static let crossEntropy = Op("cross_entropy_loss")
  }

  /// `x·Wᵀ + b`: `[…, K]` → `[…, D]`.
  ///
  /// - Parameters:
  ///   - weight: `[D, K]`.
  ///   - bias: `[D]`.
  public func linear(
    _ weight: Tensor, _ bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    FusedProduct.linear(self, weight, bias)
      ?? Ops.linear(self, weight, bias, file: file, line: line)
  }

  /// `gelu(x·Wᵀ + b)`, see ``linear(_:_:file:line:)`` and ``gelu()``: `[…, K]` → `[…, D]`.
  public func linearWithGELU(
    _ weight: Tensor, _ bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    FusedProduct.linear(self, weight, bias, then: "gelu")
      ?? Ops.gelu(Ops.linear(self, weight, bias, file: file, line: line))
  }

  /// `(x − mean) / √(variance + ε) · weight + bias` over the last dimension.
  public func layerNorm(
    _ weight: Tensor, _ bias: Tensor, epsilon: Double,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.layerNorm(self, [weight.count], weight, bias, epsilon, file: file, line: line)
  }

  /// `(x − mean) / √(variance + ε)` for each column: `[B, D]` → `[B, D]`.
  ///
  /// - Parameters:
  ///   - mean: Running means `[D]`; in training they move towards the batch's by `momentum`.
  ///   - variance: Running variances `[D]`, likewise.
  ///   - isTraining: Whether the batch's own statistics are used.
  public func batchNorm(
    mean: Tensor, variance: Tensor, isTraining: Bool, momentum: Double, epsilon: Double,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.batchNorm(
      self, Tensor?.none, Tensor?.none, mean, variance, isTraining, momentum, epsilon, false,
      file: file, line: line)
  }

  /// `x · Φ(x)`, with the exact normal distribution.
  public func gelu() -> Tensor { Ops.gelu(self) }

  /// `eˣ / Σ eˣ` along a dimension.
  public func softmax(along dimension: Int = -1) -> Tensor { Ops.softmax(self, dimension) }

  /// The logarithm of ``softmax(along:)``.
  public func logSoftmax(along dimension: Int = -1) -> Tensor { Ops.logSoftmax(self, dimension) }

  /// `softmax(q·kᵀ / √d) · v`: queries `[B, H, N, d]`, keys and values `[B, H, M, d]` → `[B, H, N, d]`.
  public static func attention(
    queries: Tensor, keys: Tensor, values: Tensor,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.attention(queries, keys, values, file: file, line: line)
  }

  /// The mean of squared differences.
  public func meanSquaredError(
    to target: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.mse(self, target, file: file, line: line)
  }

  /// The mean cross-entropy of scores `[B, K]` with classes `[B]` (int64), or with shares of classes
  /// `[B, K]` that add up to 1.
  public func crossEntropy(
    with classes: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    Ops.crossEntropy(self, classes, file: file, line: line)
  }
}
