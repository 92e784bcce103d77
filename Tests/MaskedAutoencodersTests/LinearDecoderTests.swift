import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import WeightExchange

/// A decoder of depth 0: one linear layer right on an encoder that sees mask tokens.
@Suite struct LinearDecoderTests {
  private let configuration = ModelConfiguration(
    height: 6, width: 8, channels: 1, patch: 2,
    encoder: TransformerShape(width: 8, depth: 2, heads: 2),
    decoder: TransformerShape(width: 8, depth: 0, heads: 2), target: .pixels,
    encodesMaskTokens: true)

  private var images: Tensor { Tensor.randn([2, 1, 6, 8], using: Generator(seed: 3)) }
  private var mask: PatchMask {
    PatchMask(noise: Tensor.rand([2, 12], using: Generator(seed: 4)), keeping: 5)
  }

  @Test func `the prediction is one linear layer of the encoder's tokens`() throws {
    let model = TestModel(configuration, randomizing: 1)
    let output = model.model(images, mask: mask)
    let weight = try #require(model.store["decoder_pred.weight"])
    let bias = try #require(model.store["decoder_pred.bias"])
    // Tokens stand in the order of the mask, predictions row by row.
    let places = mask.restoring.unsqueezed(2).expanded([-1, -1, 8])
    let tokens = output.latent[.all, 1...].gathered(places, along: 1)
    expectClose(output.prediction, tokens.linear(weight, bias), absolute: 1e-6, relative: 1e-6)
  }

  @Test(arguments: MaskedAutoencoder.LossRegion.allCases)
  func `lean loss is the full one`(_ region: MaskedAutoencoder.LossRegion) {
    let model = TestModel(configuration, randomizing: 1)
    let lean = model.lean(images, mask, over: region)
    let full = model.full(images, mask, over: region)
    let tolerance = Golden.Tolerance(absolute: 2e-6, relative: 1e-5, ofLargest: 2e-6)
    expectClose(lean.loss, full.output.loss, within: tolerance, "loss")
    expectGradients(lean.gradients, full.gradients, within: tolerance)
    // Everything learns, the mask token too.
    #expect(Set(lean.gradients.keys) == Set(model.store.trainable.map(\.name)))
  }

  @Test func `its weights are the mask token and the layer, and tell the shape`() throws {
    let store = TestModel(configuration, randomizing: 1).store
    let shapes = Dictionary(
      uniqueKeysWithValues: store.entries.map { ($0.name, $0.tensor.shape) })
    #expect(shapes == Dictionary(uniqueKeysWithValues: configuration.weightShapes()))
    let own = shapes.keys.filter { $0.hasPrefix("decoder") || $0 == "mask_token" }
    #expect(own.sorted() == ["decoder_pred.bias", "decoder_pred.weight", "mask_token"])
    let inferred = try InferredConfiguration(
      shapes: shapes,
      hints: ConfigurationHints(heads: 2, grid: configuration.grid, target: .pixels),
      format: .original)
    #expect(inferred.configuration == configuration)
  }

  @Test func `without mask tokens, or of another width, it cannot be`() {
    #expect(configuration.problems.isEmpty)
    var other = configuration
    other.encodesMaskTokens = false
    #expect(other.problems.map(\.path) == ["decoder.depth"])
    other = configuration
    other.decoder?.width = 12
    #expect(other.problems.map(\.path) == ["decoder.width"])
    other.decoder?.depth = -1
    #expect(other.problems.map(\.path) == ["decoder.depth"])
  }
}
