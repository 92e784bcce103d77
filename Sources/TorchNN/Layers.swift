public import Torch

/// A part of a model that has declared its tensors in a scope.
public protocol Module {
  /// Where the module's tensors are named.
  var scope: Scope { get }
}

/// A module that maps one tensor to one tensor.
public protocol Layer: Module {
  /// Applies the layer.
  func callAsFunction(_ x: Tensor) -> Tensor
}

/// `x·Wᵀ + b`: `[…, K]` → `[…, D]`. Weights start Xavier-uniform, biases at zero.
public struct Linear: Layer {
  public let scope: Scope
  /// `[D, K]`.
  public let weight: Tensor
  /// `[D]`.
  public let bias: Tensor?

  /// Declares `weight` and, unless told otherwise, `bias`.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, initializing initial: Initializer? = nil,
    in scope: Scope
  ) {
    self.scope = scope
    weight = scope.parameter(
      "weight", [outputs, inputs], initial ?? .xavierUniform(fanIn: inputs, fanOut: outputs))
    self.bias = bias ? scope.parameter("bias", [outputs], .constant(0)) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias) }
}

/// `(x − mean) / √(variance + ε) · w + b` over the last dimension: `[…, D]` → `[…, D]`.
public struct LayerNorm: Layer {
  public let scope: Scope
  /// `[D]`.
  public let weight: Tensor
  /// `[D]`.
  public let bias: Tensor
  /// Added to the variance.
  public let epsilon: Double

  /// Declares `weight` (ones) and `bias` (zeros).
  public init(_ width: Int, epsilon: Double, in scope: Scope) {
    self.scope = scope
    self.epsilon = epsilon
    weight = scope.parameter("weight", [width], .constant(1))
    bias = scope.parameter("bias", [width], .constant(0))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.layerNorm(weight, bias, epsilon: epsilon) }
}

/// `(x − mean) / √(variance + ε)` over the batch, without weights: `[B, D]` → `[B, D]` (Ioffe and
/// Szegedy, 2015).
///
/// In training mean and variance are the batch's, and are noted in a running mean; afterwards those
/// noted are used.
public struct BatchNorm: Module {
  public let scope: Scope
  /// `[D]`.
  public let runningMean: Tensor
  /// `[D]`.
  public let runningVariance: Tensor
  /// Added to the variance.
  public let epsilon: Double
  /// The share of a batch in the running statistics.
  public let momentum: Double

  /// Declares `running_mean` (zeros) and `running_var` (ones), which are not trained.
  public init(_ width: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, in scope: Scope) {
    self.scope = scope
    self.epsilon = epsilon
    self.momentum = momentum
    runningMean = scope.table("running_mean", [width], .constant(0))
    runningVariance = scope.table("running_var", [width], .constant(1))
  }

  /// Normalises; in training also notes the batch's statistics.
  public func callAsFunction(_ x: Tensor, isTraining: Bool) -> Tensor {
    x.batchNorm(
      mean: runningMean, variance: runningVariance, isTraining: isTraining, momentum: momentum,
      epsilon: epsilon)
  }
}
