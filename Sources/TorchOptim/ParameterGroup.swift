public import Torch
public import TorchNN

/// Parameters that an optimizer treats alike.
public struct ParameterGroup {
  /// The parameters under their names.
  public var parameters: [(name: String, tensor: Tensor)]
  /// The share of a parameter that each step of rate 1 takes away.
  public var weightDecay: Double
  /// Multiplies the learning rate.
  public var rateScale: Double

  /// Groups parameters.
  public init(
    _ parameters: [(name: String, tensor: Tensor)], weightDecay: Double, rateScale: Double = 1
  ) {
    self.parameters = parameters
    self.weightDecay = weightDecay
    self.rateScale = rateScale
  }

  /// Two groups: matrices and tokens are decayed, biases and other one-dimensional parameters are
  /// not (He et al., 2022, A.1 with the published code; class and mask token are decayed there).
  public static func decayingMatrices(
    of entries: [ParameterStore.Entry], weightDecay: Double
  ) -> [ParameterGroup] {
    let named = entries.map { (name: $0.name, tensor: $0.tensor) }
    return [
      ParameterGroup(named.filter { $0.tensor.rank > 1 }, weightDecay: weightDecay),
      ParameterGroup(named.filter { $0.tensor.rank <= 1 }, weightDecay: 0),
    ].filter { !$0.parameters.isEmpty }
  }
}

/// An optimizer of named parameters.
public protocol Optimizer: AnyObject {
  /// What is optimized.
  var groups: [ParameterGroup] { get }
  /// Steps taken so far.
  var steps: Int { get }
  /// Changes the parameters by their gradients; parameters without one are left as they are.
  func step(rate: Double)
  /// What must be kept to go on exactly: tensors by name.
  var state: [(name: String, tensor: Tensor)] { get }
  /// Takes up a state that ``state`` gave.
  func restore(_ state: [String: Tensor], steps: Int) throws(WeightMismatch)
}
