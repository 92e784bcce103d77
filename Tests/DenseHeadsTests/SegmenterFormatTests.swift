import Foundation
import MaskedAutoencoders
import TensorFiles
import TestSupport
import Testing
import Torch
import TorchNN

@testable import DenseHeads

/// Names and shapes of others' segmenters.
@Suite struct SegmenterFormatTests {
  static let golden = Golden("dense")
  static let mmsegmentation = Golden("dense-mmseg")

  private func published() throws -> [String: Tensor] {
    try PyTorchFile(
      Self.mmsegmentation.folder.appendingPathComponent("segmenter.pth").path
    ).tensors()
  }

  /// What every format leaves out: counts and indices.
  private func isRead(_ name: String) -> Bool {
    !name.hasSuffix("num_batches_tracked") && !name.hasSuffix("relative_position_index")
  }

  @Test func `MMSegmentation's segmenter gives its scores here`() throws {
    let file = try published()
    #expect(SegmenterFormat.detected(in: file.keys) == .mmsegmentation)
    let weights = try SegmenterFormat.mmsegmentation.native(file)
    let found = try InferredSegmenter(shapes: weights.mapValues(\.shape), taps: [1, 2, 3, 4])
    #expect(found.configuration.encoder == .init(width: 12, depth: 4, heads: 3, mlpRatio: 2))
    #expect(found.configuration.grid == PatchGrid(rows: 4, columns: 4))
    #expect(found.hasPositions)
    #expect(
      found.shape
        == SegmenterShape(
          backbone: .init(taps: [1, 2, 3, 4], relativePositions: .tables, layerScale: 1),
          decoder: .upernet, channels: 12, auxiliaryChannels: 8, classes: 4))
    let store = ParameterStore(initializing: nil)
    let segmenter = SemanticSegmenter(found.configuration, found.shape, in: store.root)
    try store.load(weights)
    let values = try Self.mmsegmentation.tensors("values.safetensors")
    let images = try values["images"]
    expectClose(
      withoutGradients { segmenter.scores(of: images, training: nil).scores },
      try values["scores"], within: try Self.mmsegmentation.tolerance())
  }

  @Test func `MMSegmentation's names come back as they were`() throws {
    let file = try published().filter { isRead($0.key) }
    let back = SegmenterFormat.mmsegmentation.foreign(
      try SegmenterFormat.mmsegmentation.native(file))
    #expect(back.keys.sorted() == file.keys.sorted())
    for (name, tensor) in file { expectEqual(back[name] ?? Tensor(), tensor, name) }
  }

  @Test func `Hugging Face's names become ours and come back`() throws {
    let file = try SafetensorsFile(
      Self.golden.folder.appendingPathComponent("beit/hf/model.safetensors").path
    ).tensors().filter { isRead($0.key) }
    #expect(SegmenterFormat.detected(in: file.keys) == .huggingFace)
    let native = try SegmenterFormat.huggingFace.native(file)
    let expected = try Self.golden.tensors("beit/weights.safetensors").all
    #expect(native.keys.sorted() == expected.keys.sorted())
    for (name, tensor) in expected { expectEqual(native[name] ?? Tensor(), tensor, name) }
    let back = SegmenterFormat.huggingFace.foreign(native)
    #expect(back.keys.sorted() == file.keys.sorted())
    for (name, tensor) in file { expectEqual(back[name] ?? Tensor(), tensor, name) }
  }

  @Test func `BEiT's own names come back, with the biases of queries and values apart`() throws {
    let weights = try Self.golden.tensors("beit/weights.safetensors").all
    let theirs = SegmenterFormat.beit.foreign(weights)
    #expect(SegmenterFormat.detected(in: theirs.keys) == .beit)
    for name in [
      "backbone.blocks.0.attn.q_bias", "backbone.blocks.4.attn.v_bias",
      "backbone.blocks.0.attn.relative_position_bias_table", "backbone.fpn1.0.weight",
      "backbone.fpn1.3.bias", "backbone.fpn2.0.weight", "backbone.patch_embed.proj.weight",
      "decode_head.psp_modules.0.1.conv.weight", "backbone.blocks.0.gamma_1",
    ] { #expect(theirs[name] != nil, "\(name)") }
    let back = try SegmenterFormat.beit.native(theirs)
    #expect(back.keys.sorted() == weights.keys.sorted())
    for (name, tensor) in weights { expectEqual(back[name] ?? Tensor(), tensor, name) }
  }

  @Test func `a file that lacks half of a bias is refused, and other models are none`() {
    #expect(throws: WeightMismatch.self) {
      try SegmenterFormat.beit.native(["backbone.blocks.0.attn.q_bias": Tensor.zeros([4])])
    }
    #expect(SegmenterFormat.detected(in: ["blocks.0.norm1.weight", "head.weight"]) == nil)
    #expect(throws: InferredSegmenter.Failure.self) { try InferredSegmenter(shapes: [:]) }
    #expect(throws: InferredSegmenter.Failure.self) {
      try InferredSegmenter(shapes: [
        "patch_embed.proj.weight": [12, 3, 8, 8], "blocks.0.mlp.fc1.weight": [24, 12],
        "decode_head.conv_seg.weight": [4, 12, 1, 1], "blocks.0.norm1.weight": [12],
        "pos_embed": [1, 12, 12],
      ])
    }
  }

  @Test func `a table of relative positions keeps its class entries and its own grid`() {
    let grid = PatchGrid(rows: 2, columns: 3)
    let table = Tensor.randn([3 * 5 + 3, 2], using: Generator(seed: 1))
    #expect(resizedPositionTable(table, from: grid, to: grid).floats() == table.floats())
    let larger = resizedPositionTable(table, from: grid, to: PatchGrid(rows: 4, columns: 4))
    #expect(larger.shape == [49 + 3, 2])
    #expect(larger[49...].floats() == table[15...].floats())
    // Equal numbers stay equal.
    let flat = resizedPositionTable(
      Tensor.ones([15, 2]), from: grid, to: PatchGrid(rows: 5, columns: 2))
    expectClose(flat, Tensor.ones([27, 2]), absolute: 1e-6)
  }
}
