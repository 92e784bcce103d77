public import Torch

extension ParameterStore {
  /// Copies weights into the model; nothing is changed unless every name and shape fits.
  ///
  /// - Parameters:
  ///   - weights: Tensors by full name, of any floating type and on any device.
  ///   - isWanted: Which of the model's tensors are looked for; the others are left as they are.
  /// - Throws: ``WeightMismatch`` with all that is missing, unexpected or of another shape.
  public func load(
    _ weights: [String: Tensor], where isWanted: (String) -> Bool = { _ in true }
  ) throws(WeightMismatch) {
    let wanted = entries.filter { isWanted($0.name) }
    if let mismatch = WeightMismatch(
      found: weights.mapValues(\.shape), expected: wanted.map { ($0.name, $0.tensor.shape) })
    {
      throw mismatch
    }
    withoutGradients {
      for entry in wanted {
        if let source = weights[entry.name] { entry.tensor.copy(source) }
      }
    }
  }

  /// The model's tensors by name.
  public var weights: [(name: String, tensor: Tensor)] {
    entries.map { ($0.name, $0.tensor.detached()) }
  }
}
