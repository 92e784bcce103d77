import Foundation
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

/// Layer-wise rates and weight decay by name, against timm's parameter groups.
@Suite struct LayerDecayTests {
  struct File: Decodable {
    struct Model: Decodable {
      let name: String
      let depth: Int
      let pooling: String
      let layerDecay: Double
      let weightDecay: Double
      let parameters: [String: [Double]]
    }
    let models: [Model]
  }

  @Test func `groups are timms`() throws {
    let path = Golden("finetuning").folder.appendingPathComponent("layer-decay.json")
    let file = try JSONDecoder().decode(
      File.self, from: Data(contentsOf: path))
    #expect(file.models.map(\.depth).sorted() == [12, 12, 24, 32])
    for golden in file.models {
      // Names and dimensions are what counts: a narrow model of the same depth has the same.
      let store = ParameterStore(initializing: nil)
      _ = ImageClassifier(
        ModelConfiguration(
          height: 8, width: 8, patch: 4,
          encoder: TransformerShape(width: 8, depth: golden.depth, heads: 2)),
        head: ClassifierHead(
          pooling: golden.pooling == "token" ? .classToken : .normalizedMean, classes: 3),
        in: store.root)
      let groups = ParameterGroup.layerwise(
        of: store.trainable, decay: golden.layerDecay, layers: golden.depth + 1,
        weightDecay: golden.weightDecay, undecayed: ["pos_embed", "cls_token"]
      ) { layer(of: $0, depth: golden.depth) }
      // The golden of ViT-Huge has no head.
      let hasHead = golden.parameters["head.weight"] != nil
      let found = groups.flatMap(\.parameters).filter { hasHead || !$0.name.hasPrefix("head.") }
      #expect(found.count == golden.parameters.count)
      for group in groups {
        for (name, _) in group.parameters where hasHead || !name.hasPrefix("head.") {
          let expected = try #require(golden.parameters[name], "\(golden.name) \(name)")
          // timm counts the norm after the blocks to the last one; the published code does not.
          let scale = name.hasPrefix("norm.") ? 1 : expected[0]
          #expect(
            abs(group.learningRateScale - scale) < 1e-12 * max(1, scale), "\(golden.name) \(name)")
          #expect(group.weightDecay == expected[1], "\(golden.name) \(name)")
        }
      }
    }
  }

  @Test func `equal rates need two groups`() {
    let store = ParameterStore(initializing: nil)
    _ = ImageClassifier(
      ModelConfiguration(
        height: 8, width: 8, patch: 4, encoder: TransformerShape(width: 8, depth: 3, heads: 2)),
      head: ClassifierHead(classes: 3), in: store.root)
    let groups = ParameterGroup.layerwise(
      of: store.trainable, decay: 1, layers: 4, weightDecay: 0.1, undecayed: ["pos_embed"]
    ) { layer(of: $0, depth: 3) }
    #expect(groups.count == 2)
    #expect(groups.allSatisfy { $0.learningRateScale == 1 })
  }
}
