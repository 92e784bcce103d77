import Foundation
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import WeightExchange

/// Mask tokens in the encoder (He et al., 2022, Table 1c).
@Suite struct MaskTokenTests {
  private func configuration(_ grid: PatchGrid, decoderDepth: Int = 2) -> ModelConfiguration {
    ModelConfiguration(
      height: grid.rows * 2, width: grid.columns * 2, channels: 1, patch: 2,
      encoder: TransformerShape(width: 8, depth: 1, heads: 2),
      decoder: TransformerShape(width: 4, depth: decoderDepth, heads: 1), target: .pixels,
      encodesMaskTokens: true)
  }

  private struct Case: Decodable {
    let name: String
    let model: ModelConfiguration
    let kept: Int
  }

  @Test func `the network equals one of timm's layers`() throws {
    let suite = Golden("mask-tokens")
    let tolerance = try suite.tolerance()
    for test in try suite.cases(of: Case.self) {
      let golden = try suite.tensors(test.name + ".safetensors")
      let model = TestModel(test.model)
      try model.store.load(golden.starting(with: "weight."))
      let images = try golden["pixel_values"]
      let mask = PatchMask(noise: try golden["noise"], keeping: test.kept)
      let full = model.full(images, mask)
      expectClose(full.output.loss, try golden["loss"], within: tolerance, "loss")
      expectClose(full.output.prediction, try golden["pred"], within: tolerance, "prediction")
      // Tokens of the golden stand row by row.
      let places = concatenated(
        [Tensor.zeros([mask.batch, 1], dtype: .int64), mask.restoring + 1], along: 1)
      let latent = full.output.latent
      expectClose(
        latent.gathered(places.unsqueezed(2).expanded([-1, -1, latent.shape[2]]), along: 1),
        try golden["latent"], within: tolerance, "latent")
      let expected = golden.starting(with: "grad.")
      expectGradients(full.gradients, expected, within: tolerance)
      expectGradients(model.lean(images, mask).gradients, expected, within: tolerance)
    }
  }

  @Test func `lean loss is the full one`() {
    withEvery("grid", in: [PatchGrid(rows: 1, columns: 2), PatchGrid(rows: 2, columns: 3)]) {
      grid in
      withEvery("decoder depth", in: [1, 2]) { depth in
        let configuration = configuration(grid, decoderDepth: depth)
        let model = TestModel(configuration, randomizing: 1)
        let images = Tensor.randn(
          [2, 1, configuration.height, configuration.width], using: Generator(seed: 3))
        withEvery("kept", in: 1..<grid.count) { kept in
          let mask = PatchMask(
            noise: Tensor.rand([2, grid.count], using: Generator(seed: 4)), keeping: kept)
          withEvery("region", in: MaskedAutoencoder.LossRegion.allCases) { region in
            let lean = model.lean(images, mask, over: region)
            let full = model.full(images, mask, over: region)
            let tolerance = Golden.Tolerance(absolute: 2e-6, relative: 1e-5, ofLargest: 2e-6)
            expectClose(lean.loss, full.output.loss, within: tolerance, "loss")
            expectGradients(lean.gradients, full.gradients, within: tolerance)
            #expect(full.output.latent.shape == [2, 1 + grid.count, 8])
          }
        }
      }
    }
  }

  @Test func `there is one mask token, the encoder's`() throws {
    let configuration = configuration(PatchGrid(rows: 2, columns: 2))
    let store = TestModel(configuration, randomizing: 1).store
    #expect(store["mask_token"]?.shape == [1, 1, 8])
    let shapes = configuration.weightShapes()
    #expect(
      store.entries.map { "\($0.name) \($0.tensor.shape)" }.sorted()
        == shapes.map { "\($0.name) \($0.shape)" }.sorted())
    var without = configuration
    without.encodesMaskTokens = false
    #expect(shapes.map(\.name) == without.weightShapes().map(\.name))
  }

  /// A description of before says nothing, and means an encoder of visible patches.
  @Test func `older descriptions are read`() throws {
    var configuration = configuration(PatchGrid(rows: 2, columns: 2))
    let text = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
    func read(_ text: String) throws -> ModelConfiguration {
      try JSONDecoder().decode(ModelConfiguration.self, from: Data(text.utf8))
    }
    #expect(try read(text) == configuration)
    let older = text.replacing(",\"encodesMaskTokens\":true", with: "")
      .replacing("\"encodesMaskTokens\":true,", with: "")
    #expect(older != text)
    configuration.encodesMaskTokens = false
    #expect(try read(older) == configuration)
  }

  @Test func `weights go out and come back`() throws {
    let folder = TemporaryFolder()
    let model = TestModel(configuration(PatchGrid(rows: 2, columns: 2)), randomizing: 2)
    let tensors = Dictionary(
      uniqueKeysWithValues: model.store.weights.map { ($0.name, $0.tensor) })
    let published = PublishedWeights(configuration: model.model.configuration, tensors: tensors)
    let failure = #expect(throws: PublishedWeightsError.self) {
      try published.write(to: folder.path + "/hf", as: .huggingFace)
    }
    #expect("\(failure.map { "\($0)" } ?? "")".contains("this model's encoder sees mask tokens"))
    try published.write(to: folder.path + "/own.safetensors", as: .original)
    let back = try PublishedWeights.read(folder.path + "/own.safetensors")
    #expect(back.configuration == model.model.configuration)
    // timm's encoder has no mask token.
    try published.write(to: folder.path + "/timm.safetensors", as: .timm)
    let encoder = try PublishedWeights.read(folder.path + "/timm.safetensors")
    #expect(encoder.configuration.decoder == nil && encoder.tensors["mask_token"] == nil)
    // Shapes alone tell whose the token is, where widths differ.
    let inferred = try InferredConfiguration(
      shapes: tensors.mapValues(\.shape),
      hints: ConfigurationHints(heads: 2, decoderHeads: 1, target: .pixels), format: .original)
    #expect(inferred.configuration == model.model.configuration)
  }
}
