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
