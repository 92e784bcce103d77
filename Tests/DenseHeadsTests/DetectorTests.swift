import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@testable import DenseHeads

/// A whole detector in ViTDet's form against its rules, which the golden's script has.
@Suite struct DetectorTests {
  static let golden = Golden("detection")
  static let configuration = ModelConfiguration(
    height: 16, width: 16, patch: 4,
    encoder: TransformerShape(width: 16, depth: 2, heads: 2, mlpRatio: 2), decoder: nil)

  static func shape(_ change: (inout DetectorShape) -> Void = { _ in }) -> DetectorShape {
    var shape = DetectorShape(
      backbone: BackboneShape(
        taps: [2], hasClassToken: false, window: 3, globalBlocks: [2],
        relativePositions: .decomposed, relativeGrid: PatchGrid(rows: 8, columns: 8)),
      channels: 8, convolutions: 1, hidden: 12, anchorSizes: [4, 8, 16, 32, 64], classes: 3)
    (shape.rules.anchors, shape.rules.regions) = (10_000, 512)
    (shape.rules.trainingCandidates, shape.rules.candidates) = (40, 40)
    (shape.rules.proposals, shape.rules.score, shape.rules.detections) = (30, 0.2, 8)
    change(&shape)
    return shape
  }

  private func detector() throws -> (MaskRCNN, ParameterStore, GoldenTensors) {
    let golden = try Self.golden.tensors("whole.safetensors")
    let store = ParameterStore(initializing: Generator(seed: 0))
    let detector = MaskRCNN(Self.configuration, Self.shape(), in: store.root)
    try store.load(golden.starting(with: "weight.")) { $0 != "backbone.net.cls_token" }
    return (detector, store, golden)
  }

  private func extents(_ golden: GoldenTensors) throws -> [(width: Float, height: Float)] {
    let sides = try golden["extents"].floats()
    return stride(from: 0, to: sides.count, by: 2).map { (sides[$0], sides[$0 + 1]) }
  }

  private func truths(_ golden: GoldenTensors) throws -> [TrueObjects] {
    try extents(golden).enumerated().map { index, extent in
      let masks = try golden["truth.\(index).masks"]
      return TrueObjects(
        boxes: try golden["truth.\(index).boxes"].boxes,
        classes: try golden["truth.\(index).classes"].array(of: Int.self), extent: extent,
        masks: { objects, boxes, side in
          zip(objects, boxes).flatMap { object, box in
            RegionAlign(bins: side)(
              masks[object].reshaped([1, 1, 32, 32]), [[box]], scale: 1
            ).floats().map { $0 >= 0.5 ? 1 : 0 }
          }
        })
    }
  }

  @Test func `pyramid and anchors are those of the rules`() throws {
    let (detector, _, golden) = try detector()
    let maps = try withoutGradients { detector.pyramid(of: try golden["images"]) }
    let tolerance = try Self.golden.tolerance()
    #expect(maps.map { $0.shape[2] } == [32, 16, 8, 4, 2])
    for (index, map) in maps[2...].enumerated() {
      expectClose(map, try golden["map.\(index)"], within: tolerance, "map \(index)")
    }
    expectClose(
      detector.proposalNetwork.anchors(over: maps).tensor, try golden["anchors"],
      within: tolerance, "anchors")
  }

  @Test func `losses and the gradients of all weights are those of the rules`() throws {
    let (detector, store, golden) = try detector()
    let training = DetectionTraining(
      draws: ImageDraws(batch: 3, rows: [0, 1, 2], using: Generator(seed: 1)))
    let losses = detector.losses(of: try golden["images"], try truths(golden), training: training)
    let tolerance = try Self.golden.tolerance()
    #expect(
      losses.parts.map(\.name) == ["rpn_objectness", "rpn_boxes", "classes", "boxes", "masks"])
    let expected = try golden["losses"]
    for (index, part) in losses.parts.enumerated() {
      expectClose(part.error, expected[index], within: tolerance, part.name)
    }
    losses.total.backward()
    expectGradients(
      store.takeGradients(), golden.starting(with: "grad."), within: tolerance)
  }

  @Test func `detections are those of the rules`() throws {
    let (detector, _, golden) = try detector()
    let found = detector(try golden["images"], extents: try extents(golden))
    let tolerance = try Self.golden.tolerance()
    #expect(found.map(\.count) == (try golden["found.counts"].array(of: Int.self)))
    let all = found.flatMap { $0 }
    #expect(all.map(\.label) == (try golden["found.labels"].array(of: Int.self)))
    expectClose(Tensor(all.map(\.box)), try golden["found.boxes"], within: tolerance, "boxes")
    expectClose(
      Tensor(all.map(\.score)), try golden["found.scores"], within: tolerance, "scores")
    expectClose(
      Tensor(all.flatMap(\.mask), shape: [all.count, 28, 28]), try golden["found.masks"],
      within: tolerance, "masks")
  }

  @Test func `images without objects are background, and every weight gets a gradient`() throws {
    for norm in [NormedConv2d.Norm.channel, .batch] {
      let store = ParameterStore(initializing: Generator(seed: 5))
      let detector = MaskRCNN(
        Self.configuration, Self.shape { $0.norm = norm }, in: store.root)
      let truths = [TrueObjects](
        repeating: TrueObjects(
          boxes: [], classes: [], extent: (32, 32), masks: { _, _, _ in [] }), count: 2)
      let losses = detector.losses(
        of: Tensor.randn([2, 3, 32, 32], using: Generator(seed: 2)), truths,
        training: DetectionTraining(
          draws: ImageDraws(batch: 2, rows: [0, 1], using: Generator(seed: 1))))
      #expect(losses.masks?.item() == 0 && losses.boxes.item() == 0)
      #expect(losses.total.item().isFinite)
      losses.total.backward()
      #expect(store.trainable.allSatisfy { $0.tensor.gradient != nil })
    }
  }

  @Test func `Table 4's form has four taps, batch norms, and the same heads`() throws {
    let store = ParameterStore(initializing: Generator(seed: 0))
    let model = ModelConfiguration(
      height: 32, width: 32, patch: 4,
      encoder: TransformerShape(width: 32, depth: 4, heads: 2, mlpRatio: 2), decoder: nil)
    var shape = Self.shape { ($0.pyramid, $0.norm) = (.topDown, .batch) }
    shape.backbone = .benchmark(depth: 4, grid: PatchGrid(rows: 8, columns: 8))
    (shape.backbone.window, shape.backbone.globalBlocks) = (4, [2, 4])
    #expect(shape.problems(depth: 4, width: 32).isEmpty)
    let detector = MaskRCNN(model, shape, in: store.root)
    for name in [
      "backbone.neck.upsample_4x.0.weight", "backbone.fpn_lateral5.norm.running_mean",
      "backbone.net.window_positions.relative_position_bias_table",
      "roi_heads.box_head.conv1.norm.running_var",
    ] {
      #expect(store[name] != nil, "\(name)")
    }
    // What enlarges starts LeCun normal: a deviation of 1/√(4 · 32), cut off at two of its normal's.
    for name in ["upsample_4x.0", "upsample_4x.3", "upsample_2x.0"] {
      let weight = try #require(store["backbone.neck.\(name).weight"]).detached().flattened()
      #expect((weight.variance([0]).squareRoot().item() * 128.0.squareRoot() - 1).magnitude < 0.05)
      #expect(weight.abs().max().item() < 2 / (128.0.squareRoot() * 0.8796))
      #expect(try #require(store["backbone.neck.\(name).bias"]).abs().max().item() == 0)
    }
    let maps = withoutGradients { detector.pyramid(of: Tensor.zeros([1, 3, 32, 48])) }
    #expect(
      maps.map { Array($0.shape[2...]) } == [[32, 48], [16, 24], [8, 12], [4, 6], [2, 3]])
  }

  @Test func `weights go out in ViTDet's names and come in, and others are refused`()
    throws
  {
    let (_, store, golden) = try detector()
    let own = Dictionary(uniqueKeysWithValues: store.weights.map { ($0.name, $0.tensor) })
    var foreign = DetectorFormat.vitDet.foreign(own)
    #expect(Set(foreign.keys) == Set(golden.starting(with: "weight.").keys))
    foreign["pixel_mean"] = Tensor.zeros([3, 1, 1])
    foreign["proposal_generator.anchor_generator.cell_anchors.0"] = Tensor.zeros([3, 4])
    let second = ParameterStore(initializing: nil)
    _ = MaskRCNN(Self.configuration, Self.shape(), in: second.root)
    try second.load(DetectorFormat.vitDet.native(foreign))
    for (name, tensor) in second.weights where name != "backbone.net.cls_token" {
      #expect(tensor.floats() == own[name]?.floats(), "\(name)")
    }
    foreign["backbone.net.blocks.0.gamma_1"] = Tensor.zeros([16])
    #expect(throws: WeightMismatch.self) {
      try second.load(DetectorFormat.vitDet.native(foreign))
    }
  }
}
