import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import DenseHeads

/// The parts of a detector against torchvision.
@Suite struct DetectionPartsTests {
  static let golden = Golden("detection")

  @Test(arguments: [
    ("aligned", RegionAlign(bins: 7)), ("two", RegionAlign(bins: 4, samples: 2)),
    ("plain", RegionAlign(bins: 5, isAligned: false)),
    ("old", RegionAlign(bins: 3, samples: 2, isAligned: false)),
  ])
  func `regions of a map and their gradient are torchvision's`(
    name: String, align: RegionAlign
  ) throws {
    let golden = try Self.golden.tensors("regions.safetensors")
    let map = try golden["map"].cloned()
    map.requiresGradient = true
    let boxes = try golden["boxes"].boxes
    let found = align(map, [Array(boxes[..<7]), Array(boxes[7...])], scale: 0.25)
    let tolerance = try Self.golden.tolerance()
    expectClose(found, try golden[name + ".out"], within: tolerance, "out")
    found.backward(try golden[name + ".upstream"])
    expectClose(
      map.gradient ?? Tensor(), try golden[name + ".gradient"], within: tolerance, "gradient")
  }

  @Test func `regions of a pyramid are each from its level, in their order`() throws {
    // A map that holds its level's number tells where a region was taken from.
    let maps = (0..<4).map { Tensor.full([1, 1, 64 >> $0, 64 >> $0], Double($0)) }
    let boxes = [
      Box(0, 0, 200, 200), Box(0, 0, 20, 20), Box(10, 10, 130, 130), Box(0, 0, 56, 56),
      Box(0, 0, 55, 55), Box(5, 5, 5, 9),
    ]
    let assignment = LevelAssignment(canonicalSide: 224, levels: 4)
    #expect(boxes.map(assignment.level) == [1, 0, 1, 0, 0, 0])
    #expect(assignment.level(of: Box(0, 0, 224, 224)) == 2)
    #expect(assignment.level(of: Box(0, 0, 2000, 2000)) == 3)
    #expect(assignment.level(of: Box(0, 0, 223, 223)) == 1)
    let found = RegionAlign(bins: 1)(
      maps, [boxes], scales: [0.25, 0.125, 0.0625, 0.03125], assignment)
    // The last has no width and no sample.
    expectClose(
      found.flattened(), Tensor([1, 0, 1, 0, 0, 0] as [Float]), absolute: 1e-6, "levels")
  }

  @Test func `a level's least area is where the level begins`() {
    for side in [224.0, 56, 100] {
      let assignment = LevelAssignment(canonicalSide: side, levels: 4)
      for level in 1..<4 {
        let area = assignment.leastArea(ofLevel: level)
        #expect(assignment.level(of: Box(0, 0, area, 1)) == level)
        #expect(assignment.level(of: Box(0, 0, area.nextDown, 1)) == level - 1)
      }
    }
  }

  @Test func `a region's result does not depend on how many are computed at a time`() throws {
    let golden = try Self.golden.tensors("regions.safetensors")
    let (map, boxes) = (try golden["map"][0..<1], try golden["boxes"].boxes)
    let align = RegionAlign(bins: 7)
    let all = align(map, [boxes], scale: 0.25)
    for (index, box) in boxes.enumerated() {
      expectClose(
        all[index..<index + 1], align(map, [[box]], scale: 0.25), absolute: 1e-6, "\(index)")
    }
    #expect(align(map, [[]], scale: 0.25).shape == [0, 3, 7, 7])
  }

  @Test(arguments: ["0.3", "0.5", "0.7"])
  func `boxes that are kept are torchvision's, equal scores too`(threshold: String) throws {
    let golden = try Self.golden.tensors("suppression.safetensors")
    let rule = NonMaximumSuppression(threshold: Float(threshold) ?? 0)
    let (boxes, scores) = (try golden["boxes"].boxes, try golden["scores"].floats())
    let expected = try golden["kept." + threshold].array(of: Int.self)
    #expect(rule.kept(boxes, scores: scores) == expected)
    // Many at a time give the same.
    let groups = [(boxes: [Box], scores: [Float])](repeating: (boxes, scores), count: 9)
    #expect(rule.kept(groups) == [[Int]](repeating: expected, count: 9))
    #expect(rule.kept([], scores: []) == [])
  }

  @Test func `overlaps and box codes are torchvision's`() throws {
    let golden = try Self.golden.tensors("boxes.safetensors")
    let tolerance = try Self.golden.tolerance()
    let (a, b) = (try golden["a"].boxes, try golden["b"].boxes)
    let overlaps = a.flatMap { one in b.map { one.overlap(with: $0) } }
    expectClose(
      Tensor(overlaps, shape: [a.count, b.count]), try golden["iou"], within: tolerance, "iou")
    let code = BoxCode(weights: [10, 10, 5, 5])
    let targets = try golden["targets"].boxes
    let codes = zip(targets, a).flatMap { target, reference in
      let code = code.encode(target, from: reference)
      return (0..<4).map { code[$0] }
    }
    expectClose(
      Tensor(codes, shape: [a.count, 4]), try golden["codes"], within: tolerance, "codes")
    expectClose(
      code.decode(try golden["deltas"], from: try golden["references"]), try golden["decoded"],
      within: tolerance, "decoded")
  }

  @Test func `matches are torchvision's`() throws {
    let golden = try Self.golden.tensors("matching.safetensors")
    let (truths, boxes) = (try golden["truths"].boxes, try golden["candidates"].boxes)
    let best = Matching(
      boxes, with: truths, foreground: 0.7, background: 0.3, keepsBest: true)
    #expect(best.matches.map(Int.init) == (try golden["best"].array(of: Int.self)))
    let plain = Matching(boxes, with: truths, foreground: 0.5, background: 0.5)
    #expect(plain.matches.map(Int.init) == (try golden["plain"].array(of: Int.self)))
  }

  @Test func `a true box that no anchor meets makes no anchor positive`() {
    let boxes = [Box(0, 0, 10, 10), Box(20, 0, 30, 10)]
    let matching = Matching(
      boxes, with: [Box(100, 100, 120, 120), Box(0, 0, 10, 4)], foreground: 0.7, background: 0.3,
      keepsBest: true)
    #expect(matching.matches == [1, -1])
    let none = Matching(boxes, with: [], foreground: 0.7, background: 0.3, keepsBest: true)
    #expect(none.matches == [-1, -1])
  }

  @Test func `an image's draw depends on its row alone`() {
    let matches = (0..<400).map { Int32($0 % 7 == 0 ? 0 : $0 % 7 == 1 ? -2 : -1) }
    let sampling = RegionSampling(count: 64, foreground: 0.25)
    func drawn(_ batch: Int, _ rows: [Int]) -> [[Int]] {
      ImageDraws(batch: batch, rows: rows, using: Generator(seed: 3)).generators.map {
        let drawn = sampling.sample(matches, using: $0)
        #expect(drawn.foreground.count == 16 && drawn.background.count == 48)
        #expect(drawn.foreground.allSatisfy { matches[$0] >= 0 })
        #expect(drawn.background.allSatisfy { matches[$0] == -1 })
        return drawn.foreground + drawn.background
      }
    }
    let all = drawn(4, [0, 1, 2, 3])
    #expect(Set(all).count == 4)
    #expect(drawn(4, [1, 3]) == [all[1], all[3]])
    // Where there is little foreground, background fills the rest.
    let few = RegionSampling(count: 10, foreground: 0.5)
      .sample([0, -1, -1, -1, -2, -1], using: Generator(seed: 0))
    #expect(few.foreground == [0] && few.background == [1, 2, 3, 5])
  }

  @Test func `anchors are not rounded and lie on the corners of cells`() {
    let anchors = Anchors(
      grids: [PatchGrid(rows: 1, columns: 2), PatchGrid(rows: 1, columns: 1)], strides: [4, 8],
      sizes: [32, 64], ratios: [0.5, 1, 2])
    #expect(anchors.levels == [0..<6, 6..<9])
    let w = Float((32.0 * 32 / 0.5).squareRoot())
    #expect(anchors.boxes[0] == Box(-w / 2, -w / 4, w / 2, w / 4))
    #expect(anchors.boxes[1] == Box(-16, -16, 16, 16))
    #expect(anchors.boxes[4] == Box(-12, -16, 20, 16))
    #expect(anchors.tensor.shape == [9, 4])
  }

  @Test func `pasted masks are grid_sample's, at least one half`() throws {
    let golden = try Self.golden.tensors("pasting.safetensors")
    let masks = try golden["masks"]
    for (index, box) in try golden["boxes"].boxes.enumerated() {
      let values = try golden["values"][index].floats()
      let pasted = PastedMask(
        masks[index].floats(), side: 28, in: box, width: 37, height: 29)
      for row in 0..<29 {
        for column in 0..<37 {
          let (x, y) = (column - pasted.x, row - pasted.y)
          let isCovered =
            (0..<pasted.width).contains(x) && (0..<pasted.height).contains(y)
            && pasted.pixels[y * pasted.width + x]
          let value = values[row * 37 + column]
          if (value - 0.5).magnitude > 1e-4 { #expect(isCovered == (value >= 0.5)) }
        }
      }
    }
  }

  // MARK: Modules

  /// Runs a module with a golden's weights and compares outputs, gradients and running statistics.
  private func check(
    _ file: String, _ prefix: String, count: Int, in store: ParameterStore,
    _ run: ([Tensor]) -> [Tensor], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let golden = try Self.golden.tensors(file)
    let tolerance = try Self.golden.tolerance()
    try store.load(golden.starting(with: prefix + ".weight."))
    let outputs = run(try (0..<count).map { try golden["\(prefix).in.\($0)"] })
    for (index, output) in outputs.enumerated() {
      expectClose(
        output, try golden["\(prefix).out.\(index)"], within: tolerance, "\(prefix).\(index)",
        sourceLocation: sourceLocation)
    }
    var total = (outputs[0] * (try golden["\(prefix).upstream.0"])).sum()
    for index in 1..<max(1, outputs.count) {
      total = total + (outputs[index] * (try golden["\(prefix).upstream.\(index)"])).sum()
    }
    total.backward()
    expectGradients(
      store.takeGradients(), golden.starting(with: prefix + ".grad."), within: tolerance,
      sourceLocation: sourceLocation)
    for (name, expected) in golden.starting(with: prefix + ".after.") {
      expectClose(
        store[name] ?? Tensor(), expected, within: tolerance, name, sourceLocation: sourceLocation)
    }
  }

  private var shape: DetectorShape {
    DetectorShape(
      backbone: BackboneShape(taps: [1]), channels: 6, convolutions: 2, hidden: 10, norm: .batch,
      classes: 3)
  }

  @Test func `the top-down pyramid is torchvision's with batch normalisation`() throws {
    let store = ParameterStore(initializing: nil)
    let pyramid = TopDownPyramid(widths: [4, 6, 8], channels: 5, in: store.root)
    try check("top-down.safetensors", "pyramid", count: 3, in: store) {
      pyramid($0, training: DenseTraining())
    }
  }

  @Test func `the head of proposals is torchvision's`() throws {
    let store = ParameterStore(initializing: nil)
    let network = ProposalNetwork(shape, patch: 16, in: store.root)
    try check("heads.safetensors", "rpn", count: 2, in: store) {
      let (scores, codes) = network($0)
      return [scores, codes]
    }
  }

  @Test func `the heads of boxes and masks are torchvision's`() throws {
    let store = ParameterStore(initializing: nil)
    let head = BoxHead(shape, in: store.root)
    try check("heads.safetensors", "box", count: 1, in: store) {
      let (scores, codes) = head($0[0], training: DenseTraining())
      return [scores, codes]
    }
    let second = ParameterStore(initializing: nil)
    let masks = MaskHead(shape, in: second.root)
    try check("heads.safetensors", "mask", count: 1, in: second) {
      [masks($0[0], training: DenseTraining())]
    }
  }
}
