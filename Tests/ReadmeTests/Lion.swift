public import Torch
public import TorchNN
public import TorchOptim

/// Lion (Chen et al., 2023, arXiv:2302.06675): every weight takes a step of the same size, in the
/// direction of the sign of a mean of gradients.
public final class Lion: Optimizer {
  public let groups: [ParameterGroup]
  public private(set) var steps = 0
  private let beta1: Double
  private let beta2: Double
  private let means: [[Tensor]]

  /// Creates an optimizer at rest.
  public init(_ groups: [ParameterGroup], beta1: Double = 0.9, beta2: Double = 0.99) {
    self.groups = groups
    self.beta1 = beta1
    self.beta2 = beta2
    means = groups.map { $0.parameters.map { $0.tensor.detached().zerosLike() } }
  }

  public func step(learningRate: Double) {
    steps += 1
    withoutGradients {
      for (group, means) in zip(groups, means) {
        let rate = learningRate * group.learningRateScale
        for (parameter, mean) in zip(group.parameters, means) {
          guard let gradient = parameter.tensor.gradient else { continue }
          let direction = (mean * beta1 + gradient * (1 - beta1)).sign()
          parameter.tensor.multiply(by: 1 - rate * group.weightDecay)
          parameter.tensor.add(direction, scale: -rate)
          mean.multiply(by: beta2).add(gradient, scale: 1 - beta2)
        }
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] {
    zip(groups, means).flatMap { group, means in
      zip(group.parameters, means).map { ("mean." + $0.name, $1) }
    }
  }

  public func restore(_ state: [String: Tensor], steps: Int) throws(WeightMismatch) {
    try copyState(state)
    self.steps = steps
  }
}

extension OptimizerKind {
  /// ``Lion``.
  public static let lion = OptimizerKind("lion", title: "Lion") { groups, settings in
    Lion(groups, beta1: settings.beta1, beta2: settings.beta2)
  }
}
