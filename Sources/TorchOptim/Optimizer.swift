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

extension Optimizer {
  /// Copies a state that ``state`` gave into the tensors it names, for ``restore(_:steps:)``.
  ///
  /// - Throws: `WeightMismatch` with every name that is missing, unexpected or of another shape.
  public func copyState(_ source: [String: Tensor]) throws(WeightMismatch) {
    try copy(source, into: state)
  }
}
