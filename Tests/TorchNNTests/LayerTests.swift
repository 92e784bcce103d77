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

  @Test func `layer norm`() throws {
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

/// Layers of dense heads: what they declare, and that they pass their settings on.
@Suite struct ConvolutionalLayerTests {
  private func random(_ shape: [Int]) -> Tensor {
    Tensor.randn(shape, using: Generator(seed: 1))
  }

  private func shapes(_ store: ParameterStore) -> [String] {
    store.entries.map { "\($0.name) \($0.tensor.shape)\($0.isBuffer ? " buffer" : "")" }
  }

  @Test func `a convolution declares PyTorch's names and passes its settings on`() {
    let store = ParameterStore(initializing: Generator(seed: 2))
    let layer = Conv2d(
      4, 6, kernel: 3, stride: 2, padding: 2, dilation: 2, groups: 2, in: store.root["conv"])
    #expect(shapes(store) == ["conv.weight [6, 2, 3, 3]", "conv.bias [6]"])
    let x = random([1, 4, 9, 9])
    expectEqual(
      layer(x),
      x.conv2d(layer.weight, layer.bias, stride: 2, padding: 2, dilation: 2, groups: 2))
    let bound = 1 / 18.0.squareRoot()
    #expect(layer.weight.abs().max().item() <= bound)
    #expect(layer.weight.abs().max().item() > 0.9 * bound)
    #expect((layer.bias?.abs().max().item() ?? 1) <= bound)
    let bare = ParameterStore(initializing: nil)
    _ = Conv2d(1, 1, kernel: 1, bias: false, in: bare.root)
    #expect(shapes(bare) == ["weight [1, 1, 1, 1]"])
  }

  @Test func `a transposed convolution declares PyTorch's names and passes its settings on`() {
    let store = ParameterStore(initializing: Generator(seed: 2))
    let layer = ConvTranspose2d(
      4, 2, kernel: 3, stride: 2, padding: 1, outputPadding: 1, in: store.root["up"])
    #expect(shapes(store) == ["up.weight [4, 2, 3, 3]", "up.bias [2]"])
    let x = random([1, 4, 5, 5])
    #expect(layer(x).shape == [1, 2, 10, 10])
    expectEqual(
      layer(x),
      x.convTranspose2d(layer.weight, layer.bias, stride: 2, padding: 1, outputPadding: 1))
  }

  @Test func `a group norm is one of its groups`() {
    let store = ParameterStore(initializing: Generator(seed: 2))
    let layer = GroupNorm(groups: 2, 4, epsilon: 0.1, in: store.root)
    #expect(shapes(store) == ["weight [4]", "bias [4]"])
    let x = random([2, 4, 3, 3])
    expectClose(layer(x), x.groupNorm(groups: 2, epsilon: 0.1), absolute: 1e-6)
    let means = layer(x).reshaped([2, 2, 18]).mean([2])
    expectClose(means, Tensor.zeros([2, 2]), absolute: 1e-6)
  }

  @Test func `a batch norm of pictures notes statistics in training and uses them afterwards`() {
    let store = ParameterStore(initializing: Generator(seed: 2))
    let layer = BatchNorm2d(3, momentum: 0.5, in: store.root)
    #expect(
      shapes(store) == [
        "weight [3]", "bias [3]", "running_mean [3] buffer", "running_var [3] buffer",
      ])
    let x = random([4, 3, 5, 5]) * 3.0 + 2.0
    let trained = layer(x, isTraining: true)
    expectClose(trained.mean([0, 2, 3]), Tensor.zeros([3]), absolute: 1e-5)
    expectClose(layer.statistics.runningMean, x.mean([0, 2, 3]) * 0.5, absolute: 1e-5)
    let (mean, variance) = (layer.statistics.runningMean, layer.statistics.runningVariance)
    expectClose(
      layer(x, isTraining: false),
      (x - mean[.all, .newAxis, .newAxis])
        * (variance[.all, .newAxis, .newAxis] + 1e-5).reciprocalSquareRoot(), absolute: 1e-5)
  }
}
