import DiscreteVAE
import TestSupport
import Testing
import Torch
import TorchNN

/// The discrete VAE against the same network written of torch's layers.
@Suite struct ImageTokenizerTests {
  private struct Case: Decodable {
    let name: String
    let model: TokenizerConfiguration
  }
  private static let golden = Golden("dvae")

  private func tokenizer(_ golden: GoldenTensors, _ shape: TokenizerConfiguration) throws -> (
    ImageTokenizer, ParameterStore
  ) {
    let store = ParameterStore(initializing: nil)
    let tokenizer = ImageTokenizer(shape, in: store.root)
    try store.load(golden.starting(with: "weight."))
    return (tokenizer, store)
  }

  @Test func `scores, tokens, pictures and losses are those of the golden`() throws {
    let tolerance = try Self.golden.tolerance()
    for test in try Self.golden.cases(of: Case.self) {
      let golden = try Self.golden.tensors(test.name + ".safetensors")
      let (tokenizer, store) = try tokenizer(golden, test.model)
      let images = try golden["images"]
      let scores = tokenizer.encoder(images)
      expectClose(scores, try golden["logits"], within: tolerance, "\(test.name): logits")
      let tokens = tokenizer.encoder.tokens(of: images)
      expectEqual(tokens, try golden["tokens"].flattened(from: 1), "\(test.name): tokens")
      let hard = tokens.reshaped(try golden["tokens"].shape)
        .oneHot(test.model.vocabulary).permuted([0, 3, 1, 2]).to(.float32)
      expectClose(
        tokenizer.decoder(hard), try golden["statistics"], within: tolerance,
        "\(test.name): statistics")
      // The short way by columns of the first convolution gives the same pictures.
      expectClose(
        tokenizer.reconstruction(of: images), try golden["reconstruction"], within: tolerance,
        "\(test.name): reconstruction")
      let temperature = try golden["temperature"].item()
      expectClose(
        gumbelSoftmax(scores, uniform: try golden["uniform"], temperature: temperature),
        try golden["relaxed"], within: tolerance, "\(test.name): relaxed")
      let loss = tokenizer.loss(
        images, uniform: try golden["uniform"], temperature: temperature)
      expectClose(
        loss.likelihood, try golden["likelihood"], within: tolerance, "\(test.name): likelihood")
      expectClose(
        loss.divergence, try golden["divergence"], within: tolerance, "\(test.name): divergence")
      (loss.likelihood + loss.divergence * 0.25).backward()
      expectGradients(store.takeGradients(), golden.starting(with: "grad."), within: tolerance)
    }
  }

  @Test func `shapes are read from weights`() throws {
    for test in try Self.golden.cases(of: Case.self) {
      let weights = try Self.golden.tensors(test.name + ".safetensors").starting(with: "weight.")
      let shapes = weights.mapValues(\.shape)
      #expect(
        TokenizerConfiguration(
          shapes: shapes, height: test.model.height, width: test.model.width) == test.model)
      #expect(
        test.model.weights.map { "\($0.name) \($0.shape)" }.sorted()
          == shapes.map { "\($0.key) \($0.value)" }.sorted())
    }
    #expect(TokenizerConfiguration(shapes: [:], height: 8, width: 8) == nil)
  }

  @Test func `a scale that is bounded keeps flat pictures finite`() {
    let images = Tensor.zeros([1, 1, 2, 2])
    let narrow = concatenated(
      [Tensor.full([1, 1, 2, 2], -2.197_224_577), Tensor.full([1, 1, 2, 2], -200)], along: 1)
    #expect(!logitLaplaceLoss(narrow, images).item().isFinite)
    let bounded = logitLaplaceLoss(narrow, images, minimumScale: 0.05).item()
    // log 0.05 + log(2 · 0.1 · 0.9), and no distance.
    #expect(abs(bounded - (-2.995_732 - 1.714_798)) < 1e-3)
  }

  @Test func `relaxed samples become single tokens as the temperature falls`() {
    let scores = Tensor.randn([2, 5, 3], using: Generator(seed: 1))
    let uniform = Tensor.rand([2, 5, 3], using: Generator(seed: 2))
    let cold = gumbelSoftmax(scores, uniform: uniform, temperature: 1e-3)
    #expect(cold.max(along: 1).values.min().item() > 0.99)
    expectClose(cold.sum([1]), Tensor.ones([2, 3]), absolute: 1e-5)
    let warm = gumbelSoftmax(scores, uniform: uniform, temperature: 100)
    #expect(warm.max().item() < 0.3)
    // A number of 0 has no logarithm, and stays finite.
    let edge = gumbelSoftmax(scores, uniform: uniform.zerosLike(), temperature: 1)
    #expect(edge.isFinite().all().item() == 1)
  }

  @Test func `what is wrong with shapes is said`() {
    #expect(TokenizerConfiguration().problems.isEmpty)
    #expect(TokenizerConfiguration().stride == 8)
    var shape = TokenizerConfiguration(height: 28, width: 30, groups: 3)
    shape.hiddenWidth = 6
    #expect(
      shape.problems.map { "\($0.path) \($0.message)" } == [
        "hiddenWidth is 6; expected a multiple of 4",
        "width is 30, which the 4 pixels of a token do not divide; the nearest that fit: 28 and 32",
      ])
    shape.groups = 0
    #expect(shape.problems.contains { $0.path == "groups" })
  }
}
