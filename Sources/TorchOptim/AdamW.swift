public import Torch
public import TorchNN

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), through libtorch's fused kernel.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `θ ← (1 − η·decay)·θ − η·m̂ / (√v̂ + ε)` with bias-corrected `m̂` and `v̂` and the
/// learning rate `η`.
public final class AdamW: Optimizer {
  public let groups: [ParameterGroup]
  public private(set) var steps = 0

  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double
  private let means: [[Tensor]]
  private let squares: [[Tensor]]

  private static let update = Op("_fused_adamw_")

  /// Creates an optimizer with all moments zero. The defaults are PyTorch's.
  public init(
    _ groups: [ParameterGroup], beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
  ) {
    self.groups = groups
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    means = groups.map { $0.parameters.map { $0.tensor.detached().zerosLike() } }
    squares = groups.map { $0.parameters.map { $0.tensor.detached().zerosLike() } }
  }

  public func step(learningRate: Double) {
    steps += 1
    withoutGradients {
      for (g, group) in groups.enumerated() {
        var chosen: (values: [Tensor], gradients: [Tensor], m: [Tensor], v: [Tensor]) =
          ([], [], [], [])
        for (p, parameter) in group.parameters.enumerated() {
          guard let gradient = parameter.tensor.gradient else { continue }
          chosen.values.append(parameter.tensor)
          chosen.gradients.append(gradient)
          chosen.m.append(means[g][p])
          chosen.v.append(squares[g][p])
        }
        guard let first = chosen.values.first else { continue }
        let count = Tensor.full([], Double(steps), device: first.device)
        Self.update.all(
          chosen.values, chosen.gradients, chosen.m, chosen.v, [Tensor](),
          [Tensor](repeating: count, count: chosen.values.count),
          learningRate * group.learningRateScale,
          beta1, beta2, group.weightDecay, epsilon, false, false)
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] {
    var result: [(name: String, tensor: Tensor)] = []
    for (g, group) in groups.enumerated() {
      for (p, parameter) in group.parameters.enumerated() {
        result.append(("exp_avg." + parameter.name, means[g][p]))
        result.append(("exp_avg_sq." + parameter.name, squares[g][p]))
      }
    }
    return result
  }

  public func restore(_ state: [String: Tensor], steps: Int) throws(WeightMismatch) {
    try copy(state, into: self.state)
    self.steps = steps
  }
}

/// Copies tensors by name; nothing is changed unless every name and shape fits.
func copy(
  _ source: [String: Tensor], into destination: [(name: String, tensor: Tensor)]
) throws(WeightMismatch) {
  if let mismatch = WeightMismatch(
    found: source.mapValues(\.shape), expected: destination.map { ($0.name, $0.tensor.shape) })
  {
    throw mismatch
  }
  for (name, tensor) in destination {
    if let found = source[name] { tensor.copy(found) }
  }
}

extension OptimizerKind {
  /// ``AdamW``.
  public static let adamw = OptimizerKind("adamw", title: "AdamW") { groups, settings in
    AdamW(
      groups, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon)
  }
}
