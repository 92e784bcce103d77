extension Tensor {
  private enum Ops {
    static let gelu = Op("gelu")
    static let relu = Op("relu")
    static let silu = Op("silu")
    static let sigmoid = Op("sigmoid")
    static let tanh = Op("tanh")
    static let softmax = Op("softmax", "int")
    static let logSoftmax = Op("log_softmax", "int")
  }

  /// `x · Φ(x)`, with the exact normal distribution.
  public func gelu() -> Tensor { Ops.gelu(self) }

  /// `max(x, 0)`.
  public func relu() -> Tensor { Ops.relu(self) }

  /// `x · sigmoid(x)`.
  public func silu() -> Tensor { Ops.silu(self) }

  /// `1 / (1 + e⁻ˣ)`.
  public func sigmoid() -> Tensor { Ops.sigmoid(self) }

  /// The hyperbolic tangent.
  public func tanh() -> Tensor { Ops.tanh(self) }

  /// `eˣ / Σ eˣ` along a dimension.
  public func softmax(along dimension: Int = -1) -> Tensor { Ops.softmax(self, dimension) }

  /// The logarithm of ``softmax(along:)``.
  public func logSoftmax(along dimension: Int = -1) -> Tensor { Ops.logSoftmax(self, dimension) }
}
