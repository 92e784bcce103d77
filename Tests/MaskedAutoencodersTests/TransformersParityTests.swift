import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// The whole model against transformers' `ViTMAEForPreTraining`, whole arrays and every gradient.
@Suite struct TransformersParityTests {
  static let golden = Golden("vit-mae")

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let model: ModelConfiguration
    let maskRatio: Double
    let batch: Int
    let kept: Int
    let lossOver: MaskedAutoencoder.LossRegion
    var testDescription: String { name }

    /// The model with the case's weights.
    func load() throws -> TestModel {
      let loaded = TestModel(model)
      try loaded.store.load(
        nativeNames(ofTransformers: golden.tensors(name + "/model.safetensors").all))
      return loaded
    }

    func tensors() throws -> GoldenTensors { try golden.tensors(name + "/golden.safetensors") }
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `forward and backward`(_ test: Case) throws {
    let (model, golden) = (try test.load(), try test.tensors())
    let tolerance = try Self.golden.tolerance()
    let images = try golden["pixel_values"]
    #expect(images.shape[0] == test.batch)
    #expect(RandomMasking(ratio: test.maskRatio).kept(of: test.model.grid) == test.kept)
    let mask = PatchMask(noise: try golden["noise"], keeping: test.kept)
    expectEqual(mask.restoring, try golden["ids_restore"], "ids_restore")
    expectEqual(mask.indicator, try golden["mask"], "mask")

    let expected = golden.starting(with: "grad.")
    let full = model.full(images, mask, over: test.lossOver)
    expectClose(full.output.loss, try golden["loss"], within: tolerance, "loss")
    expectClose(full.output.prediction, try golden["pred"], within: tolerance, "prediction")
    expectClose(full.output.latent, try golden["latent"], within: tolerance, "latent")
    // Gradients are far smaller than outputs: their own rounding decides, not the suite's bound.
    // The smallest of them are of size 0.006, and 2e-7 is what their float64 runs differ by.
    let gradientTolerance = Golden.Tolerance(absolute: 5e-7, relative: tolerance.relative)
    withEvery("path", in: ["full"]) { _ in
      expectGradients(full.gradients, expected, within: gradientTolerance)
    }
    let lean = model.lean(images, mask, over: test.lossOver)
    expectClose(lean.loss, try golden["loss"], within: tolerance, "lean loss")
    withEvery("path", in: ["lean"]) { _ in
      expectGradients(lean.gradients, expected, within: gradientTolerance)
    }
    try withoutGradients {
      for loss in [
        model.model.loss(images, mask: mask, over: .all),
        model.model(images, mask: mask, over: .all).loss,
      ] { expectClose(loss, try golden["loss_all"], within: tolerance, "loss over all") }
    }
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `target is theirs`(_ test: Case) throws {
    let golden = try test.tensors()
    let cut = patches(of: try golden["pixel_values"], side: test.model.patch)
    expectClose(
      test.model.target.target.values(for: TargetPatches(cut, of: test.model)),
      try golden["target"],
      within: try Self.golden.tolerance())
  }

  @Test func `original names are ours`() throws {
    let original = try Self.golden.tensors("pixels/original.safetensors").all
    let theirs = try nativeNames(
      ofTransformers: Self.golden.tensors("pixels/model.safetensors").all)
    #expect(original.keys.sorted() == theirs.keys.sorted())
    for (name, tensor) in original { expectEqual(theirs[name] ?? Tensor(), tensor, name) }
    let test = try #require(Self.golden.cases(of: Case.self).first { $0.name == "pixels" })
    let model = TestModel(test.model)
    try model.store.load(original)
    #expect(model.store.entries.map(\.name).sorted() == original.keys.sorted())
  }

  @Test func `kept counts are theirs`() throws {
    struct Counts: Decodable { let keptCounts: [[Double]] }
    let rows = try Self.golden.manifest(as: Counts.self).keptCounts
    #expect(rows.count > 100)
    for row in rows {
      let grid = PatchGrid(rows: 1, columns: Int(row[0]))
      #expect(RandomMasking(ratio: row[1]).kept(of: grid) == Int(row[2]), "\(row)")
    }
  }
}

/// The encoder on all patches against timm's `VisionTransformer`.
@Suite struct TimmParityTests {
  static let golden = Golden("timm")

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    struct Shape: Decodable, Sendable {
      let height, width, channels, patch: Int
      let encoder: TransformerShape
      let normEpsilon: Double
      let qkvBias: Bool
    }
    let name: String
    let encoder: Shape
    var testDescription: String { name }
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func features(_ test: Case) throws {
    let golden = try Self.golden.tensors(test.name + "/golden.safetensors")
    let tolerance = try Self.golden.tolerance()
    let shape = test.encoder
    let store = ParameterStore(initializing: nil)
    let encoder = PatchEncoder(
      ModelConfiguration(
        height: shape.height, width: shape.width, channels: shape.channels, patch: shape.patch,
        encoder: shape.encoder, normEpsilon: shape.normEpsilon, qkvBias: shape.qkvBias),
      in: store.root)
    try store.load(Self.golden.tensors(test.name + "/model.safetensors").all)
    let features = encoder(patches(of: try golden["pixel_values"], side: shape.patch))
    expectClose(features, try golden["features"], within: tolerance)
    expectClose(features.selected(0, along: 1), try golden["pooled"], within: tolerance)
    expectClose(
      features.narrowed(1, to: 1..<features.shape[1]).mean([1]), try golden["average"],
      within: tolerance)
  }
}
