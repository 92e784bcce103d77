public import Torch
public import TorchNN

// B batch, D width.

/// A perceptron whose layers are all normalised over the batch, with ReLU between them: the
/// projection and the prediction head (Chen et al., 2021, §4.1 “MLP heads”). The last
/// normalisation has no weights. `[B, K]` → `[B, D]`
///
/// Names are those of PyTorch's `Sequential(Linear, BatchNorm1d, ReLU, Linear, …)`: `0.weight`,
/// `1.weight`, `3.weight`. Linear layers have no bias, which the normalisation would take away.
public struct ContrastiveHead: Module {
  public let scope: Scope
  private let layers: [(linear: Linear, norm: BatchNorm, scale: (weight: Tensor, bias: Tensor)?)]

  /// Declares the weights of so many linear layers and their normalisations.
  public init(_ inputs: Int, hidden: Int, output: Int, layers count: Int, in scope: Scope) {
    precondition(count >= 1, "a perceptron of \(count) layers")
    self.scope = scope
    layers = (0..<count).map { index in
      let isLast = index == count - 1
      let (from, to) = (index == 0 ? inputs : hidden, isLast ? output : hidden)
      let linear = Linear(
        from, to, bias: false, initializing: .uniform(fanIn: from), in: scope["\(3 * index)"])
      let place = scope["\(3 * index + 1)"]
      let scale =
        isLast
        ? nil
        : (
          weight: place.parameter("weight", [to], .constant(1)),
          bias: place.parameter("bias", [to], .constant(0))
        )
      return (linear, BatchNorm(to, in: place), scale)
    }
  }

  /// Applies the layers.
  ///
  /// - Parameter isTraining: Whether the batch's own statistics are used, and noted.
  public func callAsFunction(_ x: Tensor, isTraining: Bool) -> Tensor {
    var x = x
    for (linear, norm, scale) in layers {
      x = norm(linear(x), isTraining: isTraining)
      if let scale { x = (x * scale.weight + scale.bias).relu() }
    }
    return x
  }
}
