import DenseHeads
import Foundation
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import WeightExchange

/// ONNX files of a detector's encoder and pyramid: run operator by operator, they give the model's maps.
///
/// `scripts/goldens/check_onnx.py` shows the same of ViTDet's form with onnxruntime.
@Suite struct PyramidONNXTests {
  private let scratch = ScratchFolder()

  private func check(_ shape: DetectorShape, side: Int, depth: Int = 2) throws {
    let model = ModelConfiguration(
      height: 16, width: 16, patch: 4,
      encoder: TransformerShape(width: 32, depth: depth, heads: 2, mlpRatio: 2), decoder: nil)
    let store = ParameterStore(initializing: Generator(seed: 0))
    let detector = MaskRCNN(model, shape, in: store.root)
    store.randomize(seed: 3)
    withoutGradients {
      for (name, tensor) in store.weights where name.hasSuffix("running_var") {
        tensor.fillUniform(0.25..<2, using: Generator(seed: 5))
      }
    }
    let path = scratch.path + "/pyramid.onnx"
    try writeDetectorONNX(
      .backbone, model, shape,
      Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) }),
      side: side, metadata: [], to: path)
    let images = Tensor.randn([2, 3, side, side], using: Generator(seed: 9))
    let expected = withoutGradients { detector.pyramid(of: images) }
    let graph = try ONNXInterpreter(path)
    let found = try graph(["pixel_values": images])
    #expect(found.count == 5)
    for (level, map) in expected.enumerated() {
      let own = try #require(found["p\(level + 2)"])
      expectClose(
        own, map.detached(), absolute: 2e-5, relative: 2e-5, ofLargest: 1e-6, "p\(level + 2)")
      #expect(
        graph.outputs["p\(level + 2)"] == ["batch"] + map.shape.dropFirst().map { "\($0)" })
    }
  }

  @Test(arguments: [(24, 4), (32, 3)])
  func `ViTDet's form, with windows that do not fill the grid and positions of another size`(
    side: Int, window: Int
  ) throws {
    var shape = DetectorShape(
      backbone: BackboneShape(
        taps: [2], hasClassToken: false, window: window, globalBlocks: [2],
        relativePositions: .decomposed, relativeGrid: PatchGrid(rows: 8, columns: 8)),
      channels: 8, classes: 3)
    try check(shape, side: side)
    shape.backbone.relativePositions = .none
    try check(shape, side: side)
  }

  @Test func `Table 4's form, with shared tables and a top-down pyramid`() throws {
    let shape = DetectorShape(
      backbone: BackboneShape(
        taps: [1, 2, 3, 4], hasClassToken: false, window: 4, globalBlocks: [2, 4],
        relativePositions: .shared, relativeGrid: PatchGrid(rows: 8, columns: 8)),
      pyramid: .topDown, channels: 8, norm: .batch, classes: 3)
    try check(shape, side: 32, depth: 4)
  }
}
