public import Torch
public import TorchNN

/// Stochastic gradient descent with momentum, in PyTorch's form.
///
/// `g ← g + decay·θ`, `b ← momentum·b + g`, `θ ← θ − η·b`; with Nesterov's momentum
/// `θ ← θ − η·(g + momentum·b)`, `η` being the learning rate.
public final class SGD: Optimizer {
  public let groups: [ParameterGroup]
  public private(set) var steps = 0

  private let momentum: Double
  private let isNesterov: Bool
  private let buffers: MomentumBuffers

  /// Creates an optimizer at rest.
  public init(_ groups: [ParameterGroup], momentum: Double = 0.9, isNesterov: Bool = false) {
    self.groups = groups
    self.momentum = momentum
    self.isNesterov = isNesterov
    buffers = MomentumBuffers(groups)
  }

  public func step(learningRate: Double) {
    steps += 1
    withoutGradients {
      buffers.forEach { group, parameter, gradient, buffer in
        let g = group.weightDecay == 0 ? gradient : gradient + parameter * group.weightDecay
        buffer.multiply(by: momentum).add(g)
        let change = isNesterov ? g + buffer * momentum : buffer
        parameter.add(change, scale: -learningRate * group.learningRateScale)
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] { buffers.state }

  public func restore(_ state: [String: Tensor], steps: Int) throws(WeightMismatch) {
    try copy(state, into: self.state)
    self.steps = steps
  }
}

/// One tensor of gathered gradients for each parameter.
struct MomentumBuffers {
  private let groups: [ParameterGroup]
  private let buffers: [[Tensor]]

  init(_ groups: [ParameterGroup]) {
    self.groups = groups
    buffers = groups.map { $0.parameters.map { $0.tensor.detached().zerosLike() } }
  }

  /// Calls `body` for each parameter that has a gradient.
  func forEach(
    _ body: (_ group: ParameterGroup, _ parameter: Tensor, _ gradient: Tensor, _ buffer: Tensor) ->
      Void
  ) {
    for (group, buffers) in zip(groups, buffers) {
      for (parameter, buffer) in zip(group.parameters, buffers) {
        guard let gradient = parameter.tensor.gradient else { continue }
        body(group, parameter.tensor, gradient, buffer)
      }
    }
  }

  var state: [(name: String, tensor: Tensor)] {
    zip(groups, buffers).flatMap { group, buffers in
      zip(group.parameters, buffers).map { ("momentum_buffer." + $0.name, $1) }
    }
  }
}

extension OptimizerKind {
  /// ``SGD``.
  public static let sgd = OptimizerKind("sgd", title: "SGD") { groups, settings in
    SGD(groups, momentum: settings.momentum)
  }
}
