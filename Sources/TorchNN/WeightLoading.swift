public import Torch

/// Weights that do not fit a model: every name that is wrong, in one error.
public struct WeightMismatch: Error, CustomStringConvertible, Sendable {
  /// Names the model has and the weights lack.
  public var missing: [String] = []
  /// Names the weights have and the model lacks.
  public var unexpected: [String] = []
  /// Names whose shapes differ.
  public var wrongShape: [(name: String, found: [Int], expected: [Int])] = []

  /// An empty list of mistakes.
  public init() {}

  /// Whether anything is wrong.
  public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && wrongShape.isEmpty }

  public var description: String {
    func listed(_ title: String, _ items: [String]) -> String? {
      if items.isEmpty { return nil }
      let shown = items.prefix(4).joined(separator: ", ")
      let more = items.count > 4 ? ", … (\(items.count) in all)" : ""
      return "\(title) \(shown)\(more)"
    }
    let parts = [
      listed(
        "wrong shape:",
        wrongShape.map { "\($0.name) is \($0.found), expected \($0.expected)" }),
      listed("missing:", missing),
      listed("unexpected:", unexpected),
    ]
    return "the weights do not fit the model; "
      + parts.compactMap { $0 }.joined(separator: "; ")
  }
}

extension ParameterStore {
  /// Copies weights into the model; nothing is changed unless every name and shape fits.
  ///
  /// - Parameters:
  ///   - weights: Tensors by full name, of any floating type and on any device.
  ///   - prefix: Only tensors whose name starts so are looked for; the rest of the model is left.
  /// - Throws: ``WeightMismatch`` with all that is missing, unexpected or of another shape.
  public func load(
    _ weights: [String: Tensor], only prefix: String = ""
  ) throws(WeightMismatch) {
    var mismatch = WeightMismatch()
    let wanted = entries.filter { $0.name.hasPrefix(prefix) }
    for entry in wanted {
      if let found = weights[entry.name] {
        if found.shape != entry.tensor.shape {
          mismatch.wrongShape.append((entry.name, found.shape, entry.tensor.shape))
        }
      } else {
        mismatch.missing.append(entry.name)
      }
    }
    let known = Set(wanted.map(\.name))
    mismatch.unexpected = weights.keys.filter { !known.contains($0) }.sorted()
    if !mismatch.isEmpty { throw mismatch }
    withoutGradients {
      for entry in wanted {
        if let source = weights[entry.name] { entry.tensor.copy(source) }
      }
    }
  }

  /// The model's tensors by name.
  public var weights: [(name: String, tensor: Tensor)] {
    entries.map { ($0.name, $0.tensor.detached) }
  }
}
