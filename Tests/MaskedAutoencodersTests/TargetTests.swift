import DiscreteVAE
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// Principal components and tokens as targets.
@Suite struct TargetTests {
  private struct Case: Decodable {
    let name: String
    let components: Int
  }

  @Test func `components, coefficients and patches are scikit-learn's`() throws {
    let suite = Golden("pca")
    let tolerance = try suite.tolerance()
    for test in try suite.cases(of: Case.self) {
      let golden = try suite.tensors(test.name + ".safetensors")
      let patches = try golden["patches"]
      let values = patches.shape[1]
      // In portions, as batches bring them.
      var rows = PrincipalComponents(of: values)
      rows.add(patches[0..<50])
      rows.add(patches[50...])
      let (components, variances) = rows.largest(test.components)
      let name = test.name
      expectClose(rows.mean, try golden["mean"], within: tolerance, "\(name): mean")
      expectClose(components, try golden["components"], within: tolerance, "\(name): components")
      expectClose(
        variances[0..<test.components].contiguous(), try golden["variances"], within: tolerance,
        "\(name): variances")

      var target = PCATarget()
      target.components = test.components
      let model = MaskedAutoencoder(
        ModelConfiguration(
          height: 1, width: values, channels: values, patch: 1,
          encoder: TransformerShape(width: 4, depth: 1, heads: 1),
          decoder: TransformerShape(width: 4, depth: 1, heads: 1),
          target: ReconstructionTarget(target)))
      let fitting = target.fitting(for: model.configuration)
      fitting.add(patches)
      let found = fitting.result()
      #expect(found.words.hasPrefix("\(test.components) components hold "))
      model.setTargetBuffers(found.tensors)
      let all = TargetPatches(
        patches.unsqueezed(0), of: model.configuration,
        buffers: [
          "mean": try #require(model.parameters["decoder_target.mean"]),
          "components": try #require(model.parameters["decoder_target.components"]),
        ])
      let coefficients = target.values(for: all)
      expectClose(
        coefficients[0], try golden["coefficients"], within: tolerance, "\(name): coefficients")
      expectClose(
        target.pixels(from: coefficients, of: all)[0], try golden["restored"], within: tolerance,
        "\(name): restored")
    }
  }

  @Test func `few components are a target too`() {
    var target = PCATarget()
    target.components = 3
    var checker = ReconstructionTargetChecker(target)
    checker.tolerance = nil  // what the others hold is lost
    checker.check()
    target.components = 0
    target.images = 0
    #expect(target.problems(for: ModelConfiguration()).map(\.path) == ["components", "images"])
  }

  // MARK: Tokens

  /// 2 × 3 patches of 4 × 4, and a tokenizer of 2 × 3 tokens of 2 × 2 pixels.
  private func model(
    channels: Int = 2, _ change: (inout TokenizerConfiguration) -> Void = { _ in }
  ) -> (MaskedAutoencoder, TokenTarget) {
    var shape = TokenizerConfiguration(
      height: 4, width: 6, channels: channels, groups: 2, blocks: 1, hiddenWidth: 4,
      initialWidth: 4, vocabulary: 7)
    change(&shape)
    let target = TokenTarget(shape)
    let model = MaskedAutoencoder(
      ModelConfiguration(
        height: 8, width: 12, channels: channels, patch: 4,
        encoder: TransformerShape(width: 8, depth: 1, heads: 2),
        decoder: TransformerShape(width: 8, depth: 1, heads: 2),
        target: ReconstructionTarget(target)), seed: 3)
    model.setTargetBuffers([
      "mean": Tensor([0.4, 0.5] as [Float])[0..<channels].contiguous(),
      "std": Tensor([0.25, 0.5] as [Float])[0..<channels].contiguous(),
    ])
    return (model, target)
  }

  private func patches(_ model: MaskedAutoencoder, _ images: Tensor, choosing rows: Tensor? = nil)
    -> TargetPatches
  {
    let target = model.configuration.target.target
    let buffers = target.buffers(for: model.configuration).map {
      ($0.name, model.parameters["decoder_target.\($0.name)"] ?? Tensor())
    }
    return TargetPatches(
      MaskedAutoencoders.patches(of: images, side: 4), of: model.configuration, choosing: rows,
      buffers: Dictionary(uniqueKeysWithValues: buffers))
  }

  @Test func `tokens are the tokenizer's of the same crop`() throws {
    let (model, target) = model()
    let shape = try #require(target.shape)
    let images = Tensor.randn([3, 2, 8, 12], using: Generator(seed: 5))
    // The tokenizer itself, with the weights that the model keeps.
    let store = ParameterStore(initializing: nil)
    let tokenizer = ImageTokenizer(shape, in: store.root)
    try store.load(
      Dictionary(
        uniqueKeysWithValues: shape.weights.map {
          ($0.name, try #require(model.parameters["decoder_target." + $0.name]))
        }))
    let mean = Tensor([0.4, 0.5] as [Float], shape: [1, 2, 1, 1])
    let std = Tensor([0.25, 0.5] as [Float], shape: [1, 2, 1, 1])
    let view = (images * std + mean).interpolated(rows: 4, columns: 6, mode: .bicubic)
      .clamped(to: 0...1)
    let expected = tokenizer.encoder.tokens(of: view)
    let values = target.values(for: patches(model, images))
    expectEqual(values, expected, "tokens")
    #expect(Set(values.array(of: Int.self)).count > 1 && !values.requiresGradient)
    let rows = Tensor([7, 0, 17])
    expectEqual(
      target.values(for: patches(model, images, choosing: rows)),
      expected.flattened().selected(rows, along: 0), "chosen")
    // Scores for the right tokens are drawn as the tokenizer's own pictures, resampled.
    let scores = expected.oneHot(7).to(.float32) * 9
    let drawn = try #require(
      model.pixels(from: scores, of: MaskedAutoencoders.patches(of: images, side: 4)))
    let pictures = tokenizer.decoder.images(of: expected)
      .interpolated(rows: 8, columns: 12, mode: .bicubic)
    expectClose(
      drawn, MaskedAutoencoders.patches(of: (pictures - mean) / std, side: 4), absolute: 1e-5,
      "pixels")
  }

  @Test func `a model of tokens learns, and its tokenizer does not`() throws {
    let (model, target) = model()
    let images = Tensor.randn([2, 2, 8, 12], using: Generator(seed: 6))
    let mask = RandomMasking(ratio: 0.5).mask(
      model.configuration.grid, batch: 2, using: Generator(seed: 1))
    withEvery("region", in: MaskedAutoencoder.LossRegion.allCases) { region in
      let loss = model.loss(images, mask: mask, over: region)
      expectClose(loss, model(images, mask: mask, over: region).loss, relative: 1e-5, "loss")
    }
    model.loss(images, mask: mask).backward()
    #expect((model.parameters["decoder_pred.weight"]?.gradient?.abs().max().item() ?? 0) > 0)
    #expect(
      !model.parameters.trainable.contains { $0.name.hasPrefix("decoder_target.") })
    #expect(model.parameters["decoder_pred.weight"]?.shape == [7, 8])
    #expect(target.criterion == .crossEntropy)
  }

  @Test func `a tokenizer that does not fit is refused in words`() {
    func problems(
      _ change: (inout TokenizerConfiguration) -> Void, path: String? = nil
    ) -> [String] {
      var shape = TokenizerConfiguration(height: 112, width: 112)
      change(&shape)
      var target = TokenTarget(shape)
      target.tokenizer = path
      return ModelConfiguration(target: ReconstructionTarget(target)).problems.map {
        "\($0.path) \($0.message)"
      }
    }
    #expect(problems { _ in }.isEmpty)
    #expect(
      problems({ $0.height = 128 }, path: "runs/tokens") == [
        "target.tokenizer is runs/tokens, which makes 16 × 14 tokens of 128 × 112 pixels; the model has "
          + "14 × 14 patches, for which its images must be 112 × 112"
      ])
    #expect(
      problems { $0.channels = 1 } == [
        "target.tokenizer is a tokenizer, of images with 1 channels; the model's have 3"
      ])
    #expect(problems { $0.vocabulary = 1 }.count == 1)
    #expect(
      ModelConfiguration(target: ReconstructionTarget(TokenTarget())).problems.map(\.path)
        == ["target.tokenizer"])
  }
}
