public import Torch
public import TorchNN

/// An optimizer of named parameters.
public protocol Optimizer: AnyObject {
  /// What is optimized.
  var groups: [ParameterGroup] { get }
  /// Steps taken so far.
  var steps: Int { get }
  /// Changes the parameters by their gradients; parameters without one are left as they are.
  func step(learningRate: Double)
  /// What must be kept to go on exactly: tensors by name.
  var state: [(name: String, tensor: Tensor)] { get }
  /// Takes up a state that ``state`` gave.
  func restore(_ state: [String: Tensor], steps: Int) throws(WeightMismatch)
}

/// The optimizers that a recipe can name.
public enum OptimizerKind: String, CaseIterable, Codable, Hashable, Sendable {
  /// ``AdamW``.
  case adamw
  /// ``LARS``.
  case lars
  /// ``SGD``.
  case sgd

  /// Makes an optimizer of this kind; it takes the hyper-parameters that it has and leaves the
  /// others.
  ///
  /// - Parameters:
  ///   - groups: What is optimized, each group with its weight decay.
  ///   - beta1: AdamW's decay of the mean of gradients.
  ///   - beta2: AdamW's decay of the mean of their squares.
  ///   - epsilon: Added to AdamW's and LARS's denominators.
  ///   - momentum: LARS's and SGD's.
  public func makeOptimizer(
    _ groups: [ParameterGroup], beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, momentum: Double = 0.9
  ) -> any Optimizer {
    switch self {
    case .adamw: AdamW(groups, beta1: beta1, beta2: beta2, epsilon: epsilon)
    case .lars: LARS(groups, momentum: momentum, epsilon: epsilon)
    case .sgd: SGD(groups, momentum: momentum)
    }
  }
}
