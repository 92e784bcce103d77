package import Testing
package import Torch

/// Checks the gradients of `function` at `inputs` against central differences in float64.
///
/// - Parameters:
///   - inputs: Tensors of any size; they are converted to float64.
///   - function: Any shape; its sum, weighted so that no two elements count alike, is derived.
package func expectGradients(
  of inputs: [Tensor], _ name: @autoclosure () -> String = "", step: Double = 1e-5,
  tolerance: Double = 1e-7, sourceLocation: SourceLocation = #_sourceLocation,
  _ function: ([Tensor]) -> Tensor
) {
  let leaves = inputs.map { $0.detached().to(.float64).cloned() }
  func value() -> Tensor {
    let result = function(leaves)
    let weights = Tensor.arange(0..<result.count).to(.float64).reshaped(result.shape) * 0.3 + 1
    return (result * weights).sum()
  }
  for leaf in leaves { leaf.requiresGradient = true }
  value().backward()
  for (number, leaf) in leaves.enumerated() {
    let label = "\(name()) gradient of input \(number)"
    guard let gradient = leaf.gradient else {
      Issue.record("\(context(label))there is none", sourceLocation: sourceLocation)
      continue
    }
    let differences = withoutGradients {
      (0..<leaf.count).map { index in
        func moved(by distance: Double) -> Double {
          leaf.withMutableElements(of: Double.self) { $0[index] += distance }
          defer { leaf.withMutableElements(of: Double.self) { $0[index] -= distance } }
          return value().item()
        }
        return (moved(by: step) - moved(by: -step)) / (2 * step)
      }
    }
    expectClose(
      gradient, Tensor(differences, shape: leaf.shape), absolute: tolerance, relative: tolerance,
      label, sourceLocation: sourceLocation)
  }
}

/// Compares gradients by name, the same names on both sides.
///
/// The key's third of a `qkv.bias` gradient is zero in exact arithmetic and rounding in ours: the
/// absolute part of the tolerance is for it.
package func expectGradients(
  _ actual: [String: Tensor], _ expected: [String: Tensor], within tolerance: Golden.Tolerance,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    actual.keys.sorted() == expected.keys.sorted(), "\(context("names of gradients"))",
    sourceLocation: sourceLocation)
  for (name, gradient) in expected {
    expectClose(
      actual[name] ?? Tensor(), gradient, within: tolerance, "gradient of \(name)",
      sourceLocation: sourceLocation)
  }
}
