import Testing
import Torch
import TorchNN

@testable import MaskedAutoencoders
@testable import WeightExchange

@Suite struct PublishedWeightsNamesTests {
  @Test func `lists the weights of timms vi t base`() throws {
    let published = try PublishedGoldens.stateDict("timm, VisionTransformer, base")
    let own = ModelConfiguration().weightShapes(decoder: false)
    #expect(WeightMismatch(found: published, expected: own) == nil)
    #expect(own.count == published.count)
  }

  @Test func `lists the weights of hugging faces base`() throws {
    let published = try PublishedGoldens.stateDict(
      "transformers 5 in memory, ViTMAEForPreTraining, base")
    let shapes = PublishedFormat.huggingFace.weightShapes(ModelConfiguration(), decoder: true)
    let canonical = published.map { (HuggingFaceNames.canonical($0), $1) }
    #expect(
      WeightMismatch(found: Dictionary(uniqueKeysWithValues: canonical), expected: shapes) == nil)
  }

  @Test(arguments: ["in memory, ViTMAEForPreTraining", "saved, ViTMAEForPreTraining"])
  func `reads every spelling`(kind: String) throws {
    let published = try PublishedGoldens.stateDict("transformers 5 \(kind), tiny")
    #expect(PublishedFormat.detected(in: published.keys) == .huggingFace)
    let native = try PublishedFormat.huggingFace.toNative(zeros(published))
    let expected = PublishedGoldens.tiny.weightShapes()
    #expect(WeightMismatch(found: native.mapValues(\.shape), expected: expected) == nil)
  }

  @Test func `reads an encoder alone`() throws {
    let published = try PublishedGoldens.stateDict("transformers 5 saved, ViTMAEModel, tiny")
    #expect(PublishedFormat.detected(in: published.keys) == .huggingFace)
    let native = try PublishedFormat.huggingFace.toNative(zeros(published))
    let expected = PublishedGoldens.tiny.weightShapes(decoder: false)
    #expect(WeightMismatch(found: native.mapValues(\.shape), expected: expected) == nil)
    // Written without a decoder the names lack their first word again.
    let back = PublishedFormat.huggingFace.fromNative(native)
    #expect(back.mapValues(\.shape) == published)
  }

  @Test func `joins queries keys and values in this order`() throws {
    let prefix = "vit.encoder.layer.3.attention.attention."
    let native = try PublishedFormat.huggingFace.toNative([
      prefix + "value.weight": Tensor([5, 6] as [Float], shape: [1, 2]),
      prefix + "query.weight": Tensor([1, 2] as [Float], shape: [1, 2]),
      prefix + "key.weight": Tensor([3, 4] as [Float], shape: [1, 2]),
    ])
    #expect(native.keys.sorted() == ["blocks.3.attn.qkv.weight"])
    #expect(native["blocks.3.attn.qkv.weight"]?.shape == [3, 2])
    #expect(native["blocks.3.attn.qkv.weight"]?.floats() == [1, 2, 3, 4, 5, 6])
  }

  @Test func `refuses queries without keys`() {
    let prefix = "vit.encoder.layer.0.attention.attention."
    #expect(
      throws: WeightMismatch(missing: [prefix + "key.bias", prefix + "value.bias"])
    ) {
      try PublishedFormat.huggingFace.toNative([prefix + "query.bias": Tensor.zeros([2])])
    }
    #expect(
      throws: WeightMismatch(
        wrongShape: [.init(name: prefix + "value.bias", found: [3], expected: [2])])
    ) {
      try PublishedFormat.huggingFace.toNative([
        prefix + "query.bias": Tensor.zeros([2]), prefix + "key.bias": Tensor.zeros([2]),
        prefix + "value.bias": Tensor.zeros([3]),
      ])
    }
  }

  @Test func `keeps names it does not know`() throws {
    let strange = [
      "classifier.out.weight", "vit.pooler.dense.bias", "vit.layers.x.mlp.fc1.bias",
      "vit.layers.01.mlp.fc1.bias", "vit.layers.0.mlp.fc3.bias", "vit.layers.", "",
    ]
    let tensors = zeros(Dictionary(uniqueKeysWithValues: strange.map { ($0, [1]) }))
    #expect(
      try PublishedFormat.huggingFace.toNative(tensors).keys.sorted() == strange.sorted())
    // A weight in two spellings is there once under its own name.
    let twice = zeros(["vit.layers.0.mlp.fc1.bias": [1], "vit.encoder.layer.0.mlp.fc1.bias": [1]])
    #expect(
      try PublishedFormat.huggingFace.toNative(twice).keys.sorted()
        == ["blocks.0.mlp.fc1.bias", "vit.layers.0.mlp.fc1.bias"])
  }

  @Test func `detects formats`() {
    #expect(PublishedFormat.detected(in: ["blocks.0.norm1.bias", "mask_token"]) == .timm)
    #expect(
      PublishedFormat.detected(in: ["decoder_norm.bias", "blocks.0.norm1.bias"]) == .original)
    #expect(PublishedFormat.detected(in: ["x", "vit.layernorm.bias"]) == .huggingFace)
    #expect(PublishedFormat.detected(in: ["layer1.0.conv1.weight", "fc.bias"]) == nil)
    #expect(PublishedFormat.detected(in: [String]()) == nil)
  }

  @Test(arguments: PublishedFormat.allCases)
  func `round trips exactly`(format: PublishedFormat) throws {
    let native = try PublishedGoldens.native()
    let there = format.fromNative(native)
    let back = try format.toNative(there)
    if format == .timm {
      expectIdentical(
        back, native.filter { !$0.key.hasPrefix("decoder_") && $0.key != "mask_token" })
    } else {
      expectIdentical(back, native)
    }
  }

  @Test func `mismatches are listed in full and said in short`() throws {
    let expected = (0..<12).map { (name: "w.\($0)", shape: [2, $0]) }
    let mismatch = try #require(
      WeightMismatch(
        found: ["w.0": [2, 0], "w.1": [1], "x.10": [1], "x.2": [1]], expected: expected))
    #expect(mismatch.missing == (2..<12).map { "w.\($0)" })
    #expect(mismatch.unexpected == ["x.2", "x.10"])
    #expect(mismatch.wrongShape == [.init(name: "w.1", found: [1], expected: [2, 1])])
    #expect(
      mismatch.description
        == "10 weights are missing (w.2, w.3, w.4, …); 2 weights are unexpected (x.2, x.10); "
        + "1 weight is of another shape (w.1 is [1], expected [2, 1])")
  }
}
