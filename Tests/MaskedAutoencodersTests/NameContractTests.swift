import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

/// Names and shapes are what published models are saved under; other programs rely on them.
@Suite struct NameContractTests {
  struct Row: Decodable, Hashable {
    let name: String
    let shape: [Int]
  }

  struct Case: Decodable {
    let name: String
    let model: ModelConfiguration
    let encoder: [Row]
    let decoder: [Row]
  }

  private func rows(_ configuration: ModelConfiguration) -> [Row] {
    TestModel(configuration).store.entries.map { Row(name: $0.name, shape: $0.tensor.shape) }
  }

  @Test func `vit base has the published names`() throws {
    let base = try #require(Golden("names").cases(of: Case.self).first)
    #expect(base.model == ModelConfiguration())
    let rows = rows(ModelConfiguration())
    // The encoder in timm's order; transformers lists a block's parts in another one than timm.
    #expect(Array(rows.prefix(base.encoder.count)) == base.encoder)
    #expect(Set(rows.dropFirst(base.encoder.count)) == Set(base.decoder))
    #expect(rows.count == base.encoder.count + base.decoder.count)
    let block = rows.compactMap { $0.name.hasPrefix("blocks.0.") ? $0.name.dropFirst(7) : nil }
    let decoderBlock = rows.compactMap {
      $0.name.hasPrefix("decoder_blocks.0.") ? $0.name.dropFirst(15) : nil
    }
    #expect(block == decoderBlock)
  }

  @Test func `only positions are not trained`() {
    let store = TestModel(ModelConfiguration()).store
    #expect(
      store.entries.filter { !$0.isTrainable }.map(\.name) == ["pos_embed", "decoder_pos_embed"])
    // timm 1.0.31: VisionTransformer(num_classes=0) has 85,798,656 with its 151,296 positions.
    let encoder = store.trainable.filter {
      !$0.name.hasPrefix("decoder") && $0.name != "mask_token"
    }
    #expect(encoder.reduce(0) { $0 + $1.tensor.count } == 85_798_656 - 151_296)
  }

  @Test func `without QKV bias`() {
    var configuration = ModelConfiguration(
      height: 8, width: 8, patch: 4, encoder: TransformerShape(width: 8, depth: 1, heads: 2),
      decoder: TransformerShape(width: 4, depth: 1, heads: 1))
    let with = Set(rows(configuration).map(\.name))
    configuration.qkvBias = false
    let without = Set(rows(configuration).map(\.name))
    #expect(
      with.subtracting(without)
        == ["blocks.0.attn.qkv.bias", "decoder_blocks.0.attn.qkv.bias"])
    #expect(without.isSubset(of: with))
  }

  /// The groups of the paper's recipe: matrices and both tokens are decayed.
  @Test func `decayed parameters`() {
    let store = TestModel(
      ModelConfiguration(
        height: 8, width: 8, patch: 4, encoder: TransformerShape(width: 8, depth: 1, heads: 2),
        decoder: TransformerShape(width: 4, depth: 1, heads: 1))
    ).store
    let groups = ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05)
    let block = ["attn.qkv.weight", "attn.proj.weight", "mlp.fc1.weight", "mlp.fc2.weight"]
    #expect(
      groups[0].parameters.map(\.name).sorted()
        == (["cls_token", "mask_token", "patch_embed.proj.weight", "decoder_embed.weight"]
        + ["decoder_pred.weight"] + block.map { "blocks.0." + $0 }
        + block.map { "decoder_blocks.0." + $0 }).sorted())
    #expect(groups[1].parameters.allSatisfy { $0.tensor.rank == 1 })
    #expect(groups.reduce(0) { $0 + $1.parameters.count } == store.trainable.count)
  }
}
