import DenseHeads
import Foundation
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import WeightExchange

/// ONNX files of a whole detector: run operator by operator, they find what the model finds.
///
/// `scripts/goldens/check_detect_onnx.py` shows the same with onnxruntime.
@Suite struct DetectorONNXTests {
  private let scratch = ScratchFolder()
  private let side = 32

  private func model(width: Int = 16, depth: Int = 2, patch: Int = 4) -> ModelConfiguration {
    ModelConfiguration(
      height: 16, width: 16, patch: patch,
      encoder: TransformerShape(width: width, depth: depth, heads: 2, mlpRatio: 2), decoder: nil)
  }

  /// The shape of the golden's detector.
  private func shape(_ change: (inout DetectorShape) -> Void = { _ in }) -> DetectorShape {
    var shape = DetectorShape(
      backbone: BackboneShape(
        taps: [2], hasClassToken: false, window: 3, globalBlocks: [2],
        relativePositions: .decomposed, relativeGrid: PatchGrid(rows: 8, columns: 8)),
      channels: 8, convolutions: 1, hidden: 12, anchorSizes: [4, 8, 16, 32, 64], classes: 3)
    (shape.rules.candidates, shape.rules.proposals) = (40, 30)
    (shape.rules.score, shape.rules.detections) = (0.2, 8)
    change(&shape)
    return shape
  }

  /// Compares the file with the model for each image alone; returns how many objects there are.
  ///
  /// - Parameter width: Of the second picture within the square.
  @discardableResult
  private func check(
    _ model: ModelConfiguration, _ shape: DetectorShape, fillsSquare: Bool = false,
    width: Float = 21, images: Tensor? = nil, _ prepare: (ParameterStore) throws -> Void
  ) throws -> Int {
    let store = ParameterStore(initializing: Generator(seed: 0))
    let detector = MaskRCNN(model, shape, in: store.root)
    try withoutGradients { try prepare(store) }
    let path = scratch["detector.onnx"]
    try writeDetectorONNX(
      .detector, model, shape,
      Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) }), side: side,
      fillsSquare: fillsSquare, metadata: [], to: path)
    let graph = try ONNXInterpreter(path)
    #expect(graph.inputs["image_size"] == (fillsSquare ? nil : ["2"]))
    #expect(graph.inputs["pixel_values"] == ["1", "3", "32", "32"])
    #expect(
      graph.outputs
        == [
          "boxes": ["detections", "4"], "scores": ["detections"], "labels": ["detections"],
          "masks": shape.hasMasks ? ["detections", "28", "28"] : nil,
        ].compactMapValues { $0 })
    let images = images ?? Tensor.randn([2, 3, side, side], using: Generator(seed: 9))
    let extents: [(width: Float, height: Float)] = [(32, 32), (fillsSquare ? 32 : width, 32)]
    var count = 0
    for index in 0..<2 {
      let image = images[index..<index + 1]
      let expected = detector(image, extents: [extents[index]])[0]
        .filter { $0.box.width > 0 && $0.box.height > 0 }
      let size = Tensor([extents[index].height, extents[index].width], shape: [2])
      let found = try withoutGradients {
        try graph(
          fillsSquare ? ["pixel_values": image] : ["pixel_values": image, "image_size": size])
      }
      let labels = try #require(found["labels"]).array(of: Int64.self).map { Int($0) }
      #expect(labels == expected.map(\.label))
      func same(_ name: String, _ wanted: [Float], _ shape: [Int]) throws {
        expectClose(
          try #require(found[name]), Tensor(wanted, shape: shape), absolute: 2e-5,
          relative: 2e-5, "\(name) \(index)")
      }
      let n = expected.count
      try same(
        "boxes", expected.flatMap { [$0.box.x0, $0.box.y0, $0.box.x1, $0.box.y1] }, [n, 4])
      try same("scores", expected.map(\.score), [n])
      if shape.hasMasks { try same("masks", expected.flatMap(\.mask), [n, 28, 28]) }
      count += n
    }
    return count
  }

  private func loadGolden(_ name: String) -> (ParameterStore) throws -> Void {
    { store in
      let golden = try Golden("detection").tensors(name + ".safetensors")
      try store.load(golden.starting(with: "weight.")) { $0 != "backbone.net.cls_token" }
    }
  }

  /// Norms and predictions at values that show. Everything else is as it starts: large random weights
  /// magnify the rounding of what lies before them.
  private func randomize(_ store: ParameterStore, seed: UInt64) {
    let generator = Generator(seed: seed)
    for (name, tensor) in store.weights {
      if name.hasSuffix("running_var") {
        tensor.fillUniform(0.5..<1.5, using: generator)
      } else if name.contains("norm") || name.contains("running_mean") {
        tensor.copy(tensor + Tensor.randn(tensor.shape, using: generator) * 0.1)
      } else if ["anchor_deltas", "objectness", "bbox_pred", "cls_score", "mask_head.predictor"]
        .contains(where: name.contains)
      {
        tensor.fillNormal(std: 0.2, using: generator)
      }
    }
  }

  @Test func `ViTDet's form, with masks and a picture that does not fill the square`() throws {
    let images = try Golden("detection").tensors("whole.safetensors")["images"]
    #expect(try check(model(), shape(), images: images, loadGolden("whole")) > 8)
  }

  @Test func `box heads in a row, with masks and without`() throws {
    let cascade = shape { ($0.cascade, $0.hasMasks) = ([0.5, 0.6, 0.7], false) }
    #expect(try check(model(), cascade, loadGolden("cascade")) > 8)
    let masked = shape { ($0.cascade, $0.rules.score) = ([0.5, 0.6], 0.3) }
    #expect(try check(model(), masked) { randomize($0, seed: 4) } > 4)
  }

  @Test func `Table 4's form, whose pictures fill the square, with one class`() throws {
    let four = shape {
      ($0.pyramid, $0.norm, $0.classes, $0.proposalConvolutions) = (.topDown, .batch, 1, 1)
      $0.backbone = BackboneShape(
        taps: [1, 2, 3, 4], hasClassToken: false, window: 4, globalBlocks: [2, 4],
        relativePositions: .shared, relativeGrid: PatchGrid(rows: 8, columns: 8))
    }
    let count = try check(model(width: 32, depth: 4), four, fillsSquare: true) {
      randomize($0, seed: 3)
    }
    #expect(count > 4)
  }

  @Test func `regions of several levels come back in their order`() throws {
    // With patches of 2 pixels the second level begins at a side of 14.
    let count = try check(model(patch: 2), shape { $0.rules.proposalOverlap = 0.4 }) {
      randomize($0, seed: 6)
    }
    #expect(count > 4)
  }

  @Test func `equal scores keep the order of anchors, regions and classes`() throws {
    // Most of the first anchors lie beyond a narrow picture, and take no other's place.
    let count = try check(model(), shape { $0.rules.score = 0.05 }, width: 5) { store in
      try loadGolden("whole")(store)
      for name in ["rpn_head.objectness_logits.weight", "box_predictor.cls_score.weight"] {
        store.weights.first { $0.name.hasSuffix(name) }?.tensor.fill(0)
      }
    }
    #expect(count > 8)
  }

  @Test func `nothing is found, or even proposed`() throws {
    let found = try check(model(), shape { $0.rules.score = 1 }, loadGolden("whole"))
    #expect(found == 0)
    let proposed = try check(model(), shape()) { store in
      try loadGolden("whole")(store)
      store.weights.first { $0.name.hasSuffix("anchor_deltas.weight") }?.tensor.fill(0)
      store.weights.first { $0.name.hasSuffix("anchor_deltas.bias") }?.tensor
        .copy(Tensor([Float]([-1000, -1000, 0, 0, -1000, -1000, 0, 0, -1000, -1000, 0, 0])))
    }
    #expect(proposed == 0)
  }
}
