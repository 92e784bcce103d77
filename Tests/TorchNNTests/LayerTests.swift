import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct LayerTests {
  static let golden = Golden("layers")

  /// Runs a layer with a golden's weights, and compares its output and all gradients.
  private func check(
    _ name: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ make: (Scope) -> any Layer
  ) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    let tolerance = try Self.golden.tolerance()
    let store = ParameterStore(initializing: nil)
    let layer = make(store.root)
    try store.load(golden.starting(with: "weight."))
    let input = try golden["input"].cloned()
    input.requiresGradient = true
    let output = layer(input)
    expectClose(
      output, try golden["output"], within: tolerance, "output", sourceLocation: sourceLocation)
    output.backward(try golden["upstream"])
    var gradients = store.takeGradients()
    gradients["input"] = input.gradient ?? Tensor()
    for (name, expected) in golden.starting(with: "grad.") {
      expectClose(
        gradients.removeValue(forKey: name) ?? Tensor(), expected, within: tolerance,
        "gradient of \(name)", sourceLocation: sourceLocation)
    }
    #expect(gradients.isEmpty, sourceLocation: sourceLocation)
  }

  @Test func linear() throws {
    try check("linear") { Linear(6, 4, in: $0) }
    try check("linear-no-bias") { Linear(6, 4, bias: false, in: $0) }
  }

  @Test func layerNorm() throws {
    try check("layer-norm") { LayerNorm(12, epsilon: 1e-6, in: $0) }
    try check("layer-norm-1e-12") { LayerNorm(12, epsilon: 1e-12, in: $0) }
  }

  @Test func gelu() throws {
    struct GELU: Layer {
      let scope: Scope
      func callAsFunction(_ x: Tensor) -> Tensor { x.gelu() }
    }
    try check("gelu") { GELU(scope: $0) }
  }

  @Test func crossEntropy() throws {
    let golden = try Self.golden.tensors("cross-entropy.safetensors")
    let tolerance = try Self.golden.tolerance()
    let scores = try golden["input"].cloned()
    scores.requiresGradient = true
    let loss = scores.crossEntropy(with: try golden["labels"])
    expectClose(loss, try golden["output"], within: tolerance)
    loss.backward()
    expectClose(scores.gradient ?? Tensor(), try golden["grad.input"], within: tolerance)
  }
}
