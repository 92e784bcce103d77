import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@testable import DenseHeads

/// Box heads in a row against the rules of detectron2's `CascadeROIHeads`, which the golden's script has.
@Suite struct CascadeTests {
  static let golden = DetectorTests.golden

  private func detector() throws -> (MaskRCNN, ParameterStore, GoldenTensors) {
    let golden = try Self.golden.tensors("cascade.safetensors")
    let store = ParameterStore(initializing: Generator(seed: 0))
    let shape = DetectorTests.shape { ($0.cascade, $0.hasMasks) = ([0.5, 0.6, 0.7], false) }
    let detector = MaskRCNN(DetectorTests.configuration, shape, in: store.root)
    try store.load(golden.starting(with: "weight.")) { $0 != "backbone.net.cls_token" }
    return (detector, store, golden)
  }

  private func extents(_ golden: GoldenTensors) throws -> [(width: Float, height: Float)] {
    let sides = try golden["extents"].floats()
    return stride(from: 0, to: sides.count, by: 2).map { (sides[$0], sides[$0 + 1]) }
  }

  @Test func `errors of each head and their gradients are those of the rules`() throws {
    let (detector, store, golden) = try detector()
    let truths = try extents(golden).enumerated().map { index, extent in
      TrueObjects(
        boxes: try golden["truth.\(index).boxes"].boxes,
        classes: try golden["truth.\(index).classes"].array(of: Int.self), extent: extent)
    }
    let losses = detector.losses(
      of: try golden["images"], truths,
      training: DetectionTraining(
        draws: ImageDraws(batch: 2, rows: [0, 1], using: Generator(seed: 1))))
    let tolerance = try Self.golden.tolerance()
    let expected = try golden["losses"]
    #expect(losses.stages.count == 3)
    for (index, stage) in losses.stages.enumerated() {
      expectClose(stage.classes, expected[index][0], within: tolerance, "classes \(index)")
      expectClose(stage.boxes, expected[index][1], within: tolerance, "boxes \(index)")
    }
    #expect(
      losses.parts.map(\.name) == [
        "rpn_objectness", "rpn_boxes", "classes_1", "boxes_1", "classes_2", "boxes_2", "classes_3",
        "boxes_3",
      ])
    (losses.classes + losses.boxes).backward()
    let wanted = golden.starting(with: "grad.")
    #expect(wanted.count == 47)
    expectGradients(
      store.takeGradients().filter { wanted[$0.key] != nil }, wanted, within: tolerance)
  }

  @Test func `detections have the last head's boxes and the mean of all scores`() throws {
    let (detector, _, golden) = try detector()
    let found = detector(try golden["images"], extents: try extents(golden))
    let tolerance = try Self.golden.tolerance()
    #expect(found.map(\.count) == (try golden["found.counts"].array(of: Int.self)))
    let all = found.flatMap { $0 }
    #expect(all.map(\.label) == (try golden["found.labels"].array(of: Int.self)))
    expectClose(Tensor(all.map(\.box)), try golden["found.boxes"], within: tolerance, "boxes")
    expectClose(
      Tensor(all.map(\.score)), try golden["found.scores"], within: tolerance, "scores")
  }

  @Test func `a cascade learns where an object lies`() throws {
    let model = ModelConfiguration(
      height: 32, width: 32, patch: 8,
      encoder: TransformerShape(width: 16, depth: 1, heads: 2, mlpRatio: 2), decoder: nil)
    var shape = DetectorShape(
      backbone: BackboneShape(taps: [1], hasClassToken: false), channels: 8, convolutions: 1,
      proposalConvolutions: 1, hidden: 24, hasMasks: false, anchorSizes: [6, 12, 24, 48, 96],
      cascade: [0.5, 0.6, 0.7], classes: 1)
    (shape.rules.anchors, shape.rules.regions) = (48, 12)
    (shape.rules.trainingCandidates, shape.rules.candidates, shape.rules.proposals) = (20, 20, 10)
    let store = ParameterStore(initializing: Generator(seed: 0))
    let detector = MaskRCNN(model, shape, in: store.root)
    let boxes = [Box(4, 4, 18, 16), Box(12, 14, 28, 29)]
    let images = Tensor.randn([2, 3, 32, 32], using: Generator(seed: 1)) * 0.1
    for (image, box) in boxes.enumerated() {
      images[image, .all, Int(box.y0)..<Int(box.y1), Int(box.x0)..<Int(box.x1)] =
        Tensor.full([], 2)
    }
    let truths = boxes.map { TrueObjects(boxes: [$0], classes: [0], extent: (32, 32)) }
    let optimizer = AdamW(ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0))
    for step in 0..<70 {
      let losses = detector.losses(
        of: images, truths,
        training: DetectionTraining(
          draws: ImageDraws(
            batch: 2, rows: [0, 1], using: Generator(seed: 7, stream: 1, step: step))))
      losses.total.backward()
      optimizer.step(learningRate: 4e-3)
      store.clearGradients()
    }
    // Proposals alone are good enough for three quarters; heads that move them wrongly are not.
    let overlaps = zip(detector(images), boxes).map { found, box in
      #expect(found.first?.score ?? 0 > 0.5)
      return found.first?.box.overlap(with: box) ?? 0
    }
    #expect((overlaps[0] + overlaps[1]) / 2 > 0.82, "\(overlaps)")
  }

  @Test func `shares that do not grow are refused, and heads have detectron2's names`() {
    #expect(DetectorTests.shape { $0.cascade = [0.5, 0.6] }.problems(depth: 2, width: 16).isEmpty)
    for shares in [[0.5], [0.6, 0.5], [0.5, 1], []] {
      #expect(
        DetectorTests.shape { $0.cascade = shares }.problems(depth: 2, width: 16).map(\.path)
          == ["cascade"], "\(shares)")
    }
    let store = ParameterStore(on: .meta, initializing: nil)
    _ = MaskRCNN(
      DetectorTests.configuration, DetectorTests.shape { $0.cascade = [0.5, 0.6, 0.7] },
      in: store.root)
    for stage in 0..<3 {
      #expect(store["roi_heads.box_predictor.\(stage).bbox_pred.weight"]?.shape == [4, 12])
      #expect(store["roi_heads.box_head.\(stage).conv1.norm.weight"] != nil)
    }
    #expect(store["roi_heads.box_predictor.bbox_pred.weight"] == nil)
  }
}
