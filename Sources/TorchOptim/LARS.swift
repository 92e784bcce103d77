public import Torch
public import TorchNN

/// Layer-wise adaptive rates for very large batches (You et al., 2017), which the paper's linear
/// probe uses without decay (He et al., 2022, Table 10). With decay, some published code takes the
/// length of `g + decay·θ` instead of the sum of both lengths.
///
/// `g ← g + decay·θ`, scaled by `trust·‖θ‖ / (‖g‖ + decay·‖θ‖ + ε)` for matrices (by 1 where either
/// length is 0), then SGD's momentum. Parameters of one dimension are neither scaled nor decayed.
public final class LARS: Optimizer {
  public let groups: [ParameterGroup]
  public private(set) var steps = 0

  private let momentum: Double
  private let trust: Double
  private let epsilon: Double
  private let buffers: MomentumBuffers

  /// Creates an optimizer at rest.
  public init(
    _ groups: [ParameterGroup], momentum: Double = 0.9, trust: Double = 1e-3,
    epsilon: Double = 1e-8
  ) {
    self.groups = groups
    self.momentum = momentum
    self.trust = trust
    self.epsilon = epsilon
    buffers = MomentumBuffers(groups)
  }

  public func step(learningRate: Double) {
    steps += 1
    withoutGradients {
      buffers.forEach { group, parameter, gradient, buffer in
        buffer.multiply(by: momentum).add(change(parameter, gradient, decay: group.weightDecay))
        parameter.add(buffer, scale: -learningRate * group.learningRateScale)
      }
    }
  }

  /// The gradient with decay, as long as the parameter's length asks for.
  private func change(_ parameter: Tensor, _ gradient: Tensor, decay: Double) -> Tensor {
    guard parameter.rank > 1 else { return gradient }
    let (length, slope) = (parameter.norm(), gradient.norm())
    let ratio = length * trust / (slope + length * decay + epsilon)
    let applies = (length * slope) .> 0
    let scale = Tensor.where(applies, ratio, ratio.zerosLike() + 1.0)
    return (decay == 0 ? gradient : gradient + parameter * decay) * scale
  }

  public var state: [(name: String, tensor: Tensor)] { buffers.state }

  public func restore(_ state: [String: Tensor], steps: Int) throws(WeightMismatch) {
    try copy(state, into: self.state)
    self.steps = steps
  }
}

extension OptimizerKind {
  /// ``LARS``.
  public static let lars = OptimizerKind("lars", title: "LARS") { groups, settings in
    LARS(groups, momentum: settings.momentum, epsilon: settings.epsilon)
  }
}
