import Foundation
import MaskedAutoencoders
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import WeightExchange
@testable import Inference
@testable import Runs

/// One model, wherever it is kept.
@Suite struct LoadedModelTests {
  private func golden(_ name: String) -> String {
    Golden("vit-mae").folder.deletingLastPathComponent().appendingPathComponent(name).path
  }

  private func expectSame(_ a: LoadedModel, _ b: LoadedModel, _ name: String) {
    #expect(a.usedWeights.map(\.name) == b.usedWeights.map(\.name), "\(name)")
    for (left, right) in zip(a.usedWeights, b.usedWeights) {
      expectEqual(left.tensor, right.tensor, "\(name) \(left.name)")
    }
  }

  @Test func `runs and their checkpoints`() throws {
    let fixture = try TemporaryRun(images: 8)
    let run = try fixture.train(.tiny(steps: 10), "run")
    let newest = try LoadedModel(fixture("run"))
    #expect(newest.source.hasSuffix("/checkpoints/step-10") && newest.assumptions.isEmpty)
    #expect(newest.description == run.description)
    expectSame(newest, try LoadedModel(fixture("run/checkpoints/step-10")), "by its path")
    expectSame(newest, try LoadedModel(fixture("run/")), "with a slash")
    let older = try LoadedModel(fixture("run/checkpoints/step-5"))
    #expect(older.usedWeights[3].tensor.floats() != newest.usedWeights[3].tensor.floats())
    #expect(newest.description.hasDecoder)
    #expect(throws: Never.self) { _ = try newest.autoencoder() }
    // The newest that can be run: the optimizer is not needed for that.
    try fixture.remove("run/checkpoints/step-10/optimizer.safetensors")
    expectSame(try LoadedModel(fixture("run")), newest, "without an optimizer")
    try fixture.write("run/checkpoints/step-10/weights.safetensors", "cut short")
    expectSame(try LoadedModel(fixture("run")), older, "after the newest was damaged")
    try fixture.remove("run/checkpoints")
    let failure = #expect(throws: RunFailure.self) { try LoadedModel(fixture("run")) }
    #expect(failure?.kind == .missingInput && failure?.message.contains("no checkpoint") == true)
  }

  @Test func `published weights`() throws {
    var hints = ConfigurationHints()
    let folder = try LoadedModel(golden("vit-mae/pixels"))
    let inputs = try Golden("vit-mae").tensors("pixels/golden.safetensors")
    let mask = PatchMask(noise: try inputs["noise"], keeping: 4)
    hints.heads = 4
    hints.decoderHeads = 3
    hints.target = .pixels
    let others = try [
      ("vit-mae/pixels/model.safetensors", ConfigurationHints()),
      ("vit-mae/pixels/original.safetensors", hints),
    ].map { path, hints in (path, try LoadedModel(golden(path), hints: hints)) }
    for (path, model) in [("folder", folder)] + others {
      expectSame(model, folder, path)
      #expect(model.pixelAssumption?.contains("ImageNet") == true, "\(path)")
      let network = try model.autoencoder()
      let output = withoutGradients {
        network((try? inputs["pixel_values"]) ?? Tensor(), mask: mask)
      }
      expectClose(output.loss, try inputs["loss"], absolute: 1e-5, path)
      expectClose(output.prediction, try inputs["pred"], absolute: 1e-4, path)
    }
    let gray = try LoadedModel(golden("vit-mae/gray"))
    #expect(gray.description.mean == [0.5] && gray.description.std == [0.5])
  }

  @Test func `encoders alone`() throws {
    var hints = ConfigurationHints()
    hints.heads = 3
    let encoder = try LoadedModel(golden("timm/square/model.safetensors"), hints: hints)
    #expect(!encoder.description.hasDecoder)
    #expect(encoder.usedWeights.allSatisfy { !$0.name.hasPrefix("decoder") })
    // There is no decoder whose memory nobody has written.
    guard case .encoder = encoder.network else {
      Issue.record("an encoder alone is loaded as something else")
      return
    }
    #expect(encoder.description.model.decoder == nil)
    #expect(encoder.store.entries.allSatisfy { !PublishedFormat.isDecoder($0.name) })
    let failure = #expect(throws: RunFailure.self) { try encoder.autoencoder() }
    #expect(failure?.message.contains("encoder only") == true)
    #expect(throws: RunFailure.self) { try Reconstruction(encoder) }
  }

  @Test func `descriptions of before are read, and new ones by programs of before`() throws {
    func json(_ description: ModelDescription) throws -> [String: Any] {
      let data = try JSONEncoder().encode(description)
      return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
    func read(_ object: [String: Any]) throws -> ModelDescription {
      try JSONDecoder().decode(
        ModelDescription.self, from: JSONSerialization.data(withJSONObject: object))
    }
    let whole = ModelDescription(
      model: PretrainingRecipe.tiny().model, mean: [0.5], std: [0.25], masking: .random(ratio: 0.6))
    var object = try json(whole)
    #expect(try read(object) == whole)
    #expect(object["maskingRatio"] as? Double == 0.6 && object["hasDecoder"] as? Bool == true)
    let masking = try #require(object["masking"] as? [String: Any])
    #expect(masking["strategy"] as? String == "random" && masking["ratio"] as? Double == 0.6)
    object["masking"] = nil
    #expect(try read(object) == whole)
    // An encoder alone had the shape of a decoder that was not there.
    object["hasDecoder"] = false
    let encoder = try read(object)
    #expect(encoder.model.decoder == nil && !encoder.hasDecoder)
    #expect(try json(encoder)["hasDecoder"] as? Bool == false)
    #expect(try read(json(encoder)) == encoder)
    // What a checkpoint of another program's strategy says is an error, not random masking.
    object["masking"] = ["strategy": "unheard-of", "ratio": 0.5]
    #expect(throws: DecodingError.self) { try read(object) }
  }

  @Test func classifiers() throws {
    let model = try LoadedModel(golden("classifiers/average"))
    #expect(model.description.kind == .classifier && !model.description.hasDecoder)
    #expect(model.description.mean == [0.25] && model.description.std == [0.5])
    let inputs = try Golden("classifiers").tensors("average.safetensors")
    let names = ["ant", "bee", "cat", "dog", "eel"]
    let classifier = try model.requireClassifier()
    let images = try inputs["pixel_values"]
    expectClose(withoutGradients { classifier(images) }, try inputs["logits"], absolute: 1e-5)
    #expect(model.published.classifier?.classNames == names)
    #expect(throws: RunFailure.self) { try model.autoencoder() }
  }

  /// What a published file says is looked at as model.json is.
  @Test func `published mistakes`() throws {
    let fixture = try TemporaryRun()
    func loaded(_ from: String, _ to: String) throws -> LoadedModel {
      let folder = golden("vit-mae/pixels")
      let config = try String(contentsOfFile: folder + "/config.json", encoding: .utf8)
      #expect(config.contains(from))
      try fixture.write("hf/config.json", config.replacing(from, with: to))
      try Data(contentsOf: URL(fileURLWithPath: folder + "/model.safetensors"))
        .write(to: URL(fileURLWithPath: fixture("hf/model.safetensors")))
      return try LoadedModel(fixture("hf"))
    }
    let ratio = "\"mask_ratio\": 0.75"
    let failure = #expect(throws: RunFailure.self) { try loaded(ratio, "\"mask_ratio\": 7") }
    #expect(failure?.kind == .badData)
    #expect(
      failure?.message
        == fixture("hf") + ": masking.ratio is 7; expected a number above 0 and below 1")
    // Who wants features of whole images writes 0; there is nothing wrong with the weights.
    let whole = try loaded(ratio, "\"mask_ratio\": 0.0")
    #expect(whole.description.masking == .random(ratio: 0.75))
    #expect(whole.assumptions == ["mask_ratio is 0, and 0.75 is taken where patches are hidden"])
  }

  @Test func `what is none`() throws {
    let fixture = try TemporaryRun()
    let missing = #expect(throws: RunFailure.self) { try LoadedModel(fixture("nowhere")) }
    #expect(missing?.kind == .missingInput)
    try fixture.write("empty/readme.txt", "")
    #expect(throws: PublishedWeightsError.self) { try LoadedModel(fixture("empty")) }
    // Heads that do not go together with the width are no trap.
    for heads in [0, -1, 3, 5, .max] {
      var hints = ConfigurationHints()
      hints.heads = heads
      #expect(throws: PublishedWeightsError.self, "\(heads)") {
        try LoadedModel(golden("vit-mae/pixels"), hints: hints)
      }
    }
  }
}
