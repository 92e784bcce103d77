import TestSupport
import Testing
import Torch
import TorchNN

@testable import MaskedAutoencoders

/// The parts of a block against timm's, forward and backward.
@Suite struct BlockParityTests {
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
    expectGradients(
      gradients, golden.starting(with: "grad."), within: tolerance,
      sourceLocation: sourceLocation)
  }

  @Test func attention() throws {
    try check("attention") { Attention(width: 12, heads: 3, in: $0) }
    try check("attention-no-bias") { Attention(width: 8, heads: 1, qkvBias: false, in: $0) }
  }

  @Test func `feed forward`() throws {
    try check("mlp") { FeedForward(width: 8, hidden: 20, in: $0) }
  }

  @Test func block() throws {
    try check("block") {
      TransformerBlock(
        TransformerShape(width: 12, depth: 1, heads: 3), normEpsilon: 1e-6, qkvBias: true, in: $0)
    }
    try check("block-no-bias") {
      TransformerBlock(
        TransformerShape(width: 16, depth: 1, heads: 2, mlpRatio: 2), normEpsilon: 1e-6,
        qkvBias: false, in: $0)
    }
  }

  /// Some tokens of a block computed alone are those of the whole, gradients too.
  @Test func `chosen queries are those of the whole`() {
    withEvery("qkvBias", in: [true, false]) { qkvBias in
      withEvery("heads", in: [1, 3]) { heads in
        let store = ParameterStore(initializing: Generator(seed: 4))
        let block = TransformerBlock(
          TransformerShape(width: 12, depth: 1, heads: heads), normEpsilon: 1e-6, qkvBias: qkvBias,
          in: store.root)
        store.randomize(seed: 5)
        let input = Tensor.randn([2, 5, 12], using: Generator(seed: 6))
        input.requiresGradient = true
        func gradients(of output: Tensor) -> [String: Tensor] {
          output.backward(Tensor.randn(output.shape, using: Generator(seed: 7)))
          var gradients = store.takeGradients()
          gradients["input"] = input.gradient ?? Tensor()
          input.gradient = nil
          return gradients
        }
        withEvery("queries", in: [0..<1, 0..<5, 1..<3, 2..<5, 4..<5]) { queries in
          let whole = block(input).narrowed(1, to: queries)
          let part = block(input, queries: queries)
          let tolerance = Golden.Tolerance(absolute: 1e-5, relative: 1e-5)
          expectClose(part, whole, within: tolerance)
          expectGradients(gradients(of: part), gradients(of: whole), within: tolerance)
        }
      }
    }
  }

  /// The block in one operator leaves out what the block of many operators does, and has its
  /// gradients; widths are those that kernels of every processor take.
  @Test func `branches are left out alike in either way`() {
    let store = ParameterStore(initializing: Generator(seed: 4))
    let block = TransformerBlock(
      TransformerShape(width: 32, depth: 1, heads: 2), normEpsilon: 1e-6, qkvBias: true,
      in: store.root)
    store.randomize(seed: 5)
    let images = 4 * Engine.threads
    let input = Tensor.randn([images, 17, 32], using: Generator(seed: 6))
    func run(_ rate: Double, _ block: (DropPath) -> Tensor) -> [String: Tensor] {
      let output = block(DropPath(rate: rate, using: Generator(seed: 8)))
      output.backward(Tensor.randn(output.shape, using: Generator(seed: 7)))
      var found = store.takeGradients()
      found["output"] = output.detached()
      return found
    }
    withEvery("rate", in: [0, 0.5]) { rate in
      let one = run(rate) { block(input, dropping: rate, using: $0) }
      let many = run(rate) { paths in
        let factors = (0..<2).map { _ in paths.factors(for: images, rate: rate) }
        return block(input) { change, branch in
          change.scaled(by: branch == .attention ? factors[0] : factors[1])
        }
      }
      expectGradients(one, many, within: Golden.Tolerance(ofLargest: 4e-6))
    }
  }

  @Test func `patches are cut as transformers does`() throws {
    let golden = try Self.golden.tensors("patchify.safetensors")
    for (name, side, rows, columns) in [
      ("square", 4, 2, 2), ("tall", 3, 4, 2), ("wide", 2, 2, 4),
    ] {
      let (whole, cut) = (try golden[name + ".images"], try golden[name + ".patches"])
      expectEqual(patches(of: whole, side: side), cut, name)
      let grid = PatchGrid(rows: rows, columns: columns)
      expectEqual(images(from: cut, grid: grid, side: side), whole, name)
    }
  }

  /// timm's `PatchEmbed` of width 10 in an encoder of width 12, whose last two rows are zero.
  @Test func `patch embedding`() throws {
    let golden = try Self.golden.tensors("patch-embed.safetensors")
    let tolerance = try Self.golden.tolerance()
    let store = ParameterStore(initializing: Generator(seed: 0))
    let encoder = PatchEncoder(
      ModelConfiguration(
        height: 8, width: 12, channels: 3, patch: 4,
        encoder: TransformerShape(width: 12, depth: 0, heads: 1)), in: store.root)
    let weight = try #require(store["patch_embed.proj.weight"])
    let bias = try #require(store["patch_embed.proj.bias"])
    try withoutGradients {
      weight.fill(0).narrowed(0, to: 0..<10).copy(try golden["weight.proj.weight"])
      bias.fill(0).narrowed(0, to: 0..<10).copy(try golden["weight.proj.bias"])
    }
    let input = try golden["input"].cloned()
    input.requiresGradient = true
    let output = encoder.embedded(patches(of: input, side: 4)).narrowed(2, to: 0..<10)
    expectClose(output, try golden["output"], within: tolerance, "output")
    output.backward(try golden["upstream"])
    expectClose(input.gradient ?? Tensor(), try golden["grad.input"], within: tolerance, "input")
    expectClose(
      weight.gradient?.narrowed(0, to: 0..<10) ?? Tensor(), try golden["grad.proj.weight"],
      within: tolerance, "weight")
    expectClose(
      bias.gradient?.narrowed(0, to: 0..<10) ?? Tensor(), try golden["grad.proj.bias"],
      within: tolerance, "bias")
  }
}
