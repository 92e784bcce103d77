import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import DenseHeads

/// The whole segmenter against transformers' BEiT with UperNet.
@Suite struct SegmenterGoldenTests {
  static let golden = Golden("dense")
  static let configuration = ModelConfiguration(
    height: 32, width: 32, patch: 8,
    encoder: TransformerShape(width: 12, depth: 5, heads: 3, mlpRatio: 20.0 / 12), decoder: nil)
  static let shape = SegmenterShape(
    backbone: BackboneShape(taps: [1, 2, 3, 4], relativePositions: .tables, layerScale: 0.1),
    decoder: .upernet, channels: 12, auxiliaryChannels: 8, classes: 4)

  private func segmenter() throws -> (SemanticSegmenter, ParameterStore) {
    let store = ParameterStore(initializing: nil)
    let segmenter = SemanticSegmenter(Self.configuration, Self.shape, in: store.root)
    try store.load(Self.golden.tensors("beit/weights.safetensors").all)
    return (segmenter, store)
  }

  @Test func `scores of pixels are BEiT's`() throws {
    let values = try Self.golden.tensors("beit/values.safetensors")
    let (segmenter, _) = try segmenter()
    let images = try values["images"]
    let scores = withoutGradients { segmenter.scores(of: images, training: nil) }
    #expect(scores.auxiliary == nil)
    expectClose(
      scores.scores, try values["logits"], within: try Self.golden.tolerance(), "logits")
  }

  @Test(arguments: [false, true])
  func `loss, gradients and running statistics of a step are BEiT's`(recomputes: Bool) throws {
    let values = try Self.golden.tensors("beit/values.safetensors")
    let tolerance = try Self.golden.tolerance()
    let (segmenter, store) = try segmenter()
    let scores = segmenter.scores(
      of: try values["images"], training: DenseTraining(recomputes: recomputes))
    let loss = SegmentationLoss().total(scores, try values["labels"])
    #expect(loss.parts.map(\.name) == ["decoder", "auxiliary"])
    expectClose(loss.total, try values["loss"], within: tolerance, "loss")
    loss.total.backward()
    expectGradients(
      store.takeGradients(), try Self.golden.tensors("beit/gradients.safetensors").all,
      within: tolerance)
    for (name, expected) in values.starting(with: "after.") {
      expectClose(store[name] ?? Tensor(), expected, within: tolerance, name)
    }
  }
}
