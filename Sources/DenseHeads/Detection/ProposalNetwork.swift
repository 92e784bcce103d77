import MaskedAutoencoders
public import Torch
public import TorchNN

// B images, A anchors of all levels, C channels, R × S cells of a level.

/// Says of each anchor whether an object lies there, and where (Ren et al., 2015): one head for all
/// levels.
public struct ProposalNetwork: Module {
  public let scope: Scope
  /// Anchors, and how proposals are drawn.
  public let shape: DetectorShape
  /// The side of a cell of each level in pixels.
  public let strides: [Double]
  private let convolutions: [Conv2d]
  private let objectness: Conv2d
  private let deltas: Conv2d
  private let code = BoxCode()

  /// Declares `rpn_head.conv` (`conv0`, `conv1`, … of several), `rpn_head.objectness_logits` and
  /// `rpn_head.anchor_deltas` (detectron2's names): normal with a deviation of 0.01, biases 0.
  public init(_ shape: DetectorShape, patch: Int, in scope: Scope) {
    self.scope = scope
    self.shape = shape
    strides = DetectorShape.strides(patch: patch)
    let own = scope["rpn_head"]
    func convolution(_ channelsOut: Int, kernel: Int, in scope: Scope) -> Conv2d {
      Conv2d(
        shape.channels, channelsOut, kernel: kernel, padding: kernel / 2,
        initializing: .normal(std: 0.01), initializingBias: .constant(0), in: scope)
    }
    convolutions = (0..<shape.proposalConvolutions).map {
      convolution(
        shape.channels, kernel: 3,
        in: shape.proposalConvolutions == 1 ? own["conv"] : own["conv"]["conv\($0)"])
    }
    let ratios = shape.anchorRatios.count
    objectness = convolution(ratios, kernel: 1, in: own["objectness_logits"])
    deltas = convolution(4 * ratios, kernel: 1, in: own["anchor_deltas"])
  }

  /// Scores (logits) and codes of all anchors: maps `[B, C, R, S]` → `[B, A]` and `[B, A, 4]`, in the
  /// order of ``Anchors``.
  public func callAsFunction(_ maps: [Tensor]) -> (scores: Tensor, codes: Tensor) {
    var (scores, codes) = ([Tensor](), [Tensor]())
    let batch = maps[0].shape[0]
    for map in maps {
      var x = map
      for convolution in convolutions { x = convolution(x).relu() }
      scores.append(objectness(x).permuted([0, 2, 3, 1]).reshaped([batch, -1]))
      let size = map.shape
      codes.append(
        deltas(x).reshaped([batch, -1, 4, size[2], size[3]]).permuted([0, 3, 4, 1, 2])
          .reshaped([batch, -1, 4]))
    }
    return (concatenated(scores, along: 1), concatenated(codes, along: 1))
  }

  /// The anchors over maps.
  public func anchors(over maps: [Tensor]) -> Anchors {
    Anchors(
      grids: maps.map { PatchGrid(rows: $0.shape[2], columns: $0.shape[3]) }, strides: strides,
      sizes: shape.anchorSizes, ratios: shape.anchorRatios)
  }

  // MARK: Loss

  /// How far scores and codes are off: cross-entropy of the anchors that are drawn, and the absolute
  /// differences of the codes of those that stand for an object, both over the number of anchors
  /// drawn of an image times the images.
  public func loss(
    scores: Tensor, codes: Tensor, _ anchors: Anchors, _ truths: [TrueObjects],
    using draws: ImageDraws
  ) -> (objectness: Tensor, boxes: Tensor) {
    let sampling = RegionSampling(count: shape.rules.anchors, foreground: 0.5)
    let count = anchors.boxes.count
    var (chosen, labels) = ([Int](), [Float]())
    var (positive, targets) = ([Int](), [Float]())
    for (image, truth) in truths.enumerated() {
      let matching = Matching(
        anchors.boxes, with: truth.boxes, foreground: 0.7, background: 0.3, keepsBest: true)
      let drawn = sampling.sample(matching.matches, using: draws.generators[image])
      for anchor in drawn.foreground {
        chosen.append(image * count + anchor)
        labels.append(1)
        positive.append(image * count + anchor)
        let target = code.encode(
          truth.boxes[Int(matching.matches[anchor])], from: anchors.boxes[anchor])
        for index in 0..<4 { targets.append(target[index]) }
      }
      for anchor in drawn.background {
        chosen.append(image * count + anchor)
        labels.append(0)
      }
    }
    let device = scores.device
    let divisor = Double(shape.rules.anchors * truths.count)
    let logits = scores.to(.float32).flattened().selected(Tensor(chosen).sent(to: device), along: 0)
    let found = codes.to(.float32).reshaped([-1, 4]).selected(
      Tensor(positive).sent(to: device), along: 0)
    return (
      logits.binaryCrossEntropySum(with: Tensor(labels).sent(to: device)) / divisor,
      (found - Tensor(targets, shape: [positive.count, 4]).sent(to: device)).abs().sum() / divisor
    )
  }

  // MARK: Proposals

  /// The best boxes of each image, by descending score. No gradient flows through them.
  ///
  /// Of each level the best by score are decoded, clipped to the picture and thinned; then the best of
  /// all levels are taken. Boxes that are not finite or have no size are dropped.
  ///
  /// - Parameters:
  ///   - extents: Width and height of each picture.
  ///   - candidates: Boxes of a level before they are thinned.
  public func proposals(
    scores: Tensor, codes: Tensor, _ anchors: Anchors, extents: [(width: Float, height: Float)],
    candidates: Int
  ) -> [[Box]] {
    let batch = scores.shape[0]
    let (boxes, logits, counts) = withoutGradients {
      () -> (boxes: [Box], logits: [Float], counts: [Int]) in
      let places = anchors.tensor.sent(to: scores.device)
      var (boxes, logits, counts) = ([Tensor](), [Tensor](), [Int]())
      for range in anchors.levels {
        let few = min(candidates, range.count)
        // A stable sort: equal scores keep the anchors' order, which `topk` does not promise.
        let sorted = scores.detached().to(.float32).narrowed(1, to: range)
          .stablySorted(along: 1, descending: true)
        let order = sorted.indices.narrowed(1, to: 0..<few)  // [B, few]
        let own = codes.detached().to(.float32).narrowed(1, to: range)
          .gathered(order.unsqueezed(2).expanded([batch, few, 4]), along: 1)
        let references = places.narrowed(0, to: range).selected(order.flattened(), along: 0)
          .reshaped([batch, few, 4])
        boxes.append(code.decode(own, from: references))
        logits.append(sorted.values.narrowed(1, to: 0..<few))
        counts.append(few)
      }
      // Read back together: each time the host waits for the device.
      let all = concatenated(
        [concatenated(boxes, along: 1), concatenated(logits, along: 1).unsqueezed(2)], along: 2
      ).floats()
      let rows = stride(from: 0, to: all.count, by: 5)
      return (
        rows.map { Box(all[$0], all[$0 + 1], all[$0 + 2], all[$0 + 3]) }, rows.map { all[$0 + 4] },
        counts
      )
    }
    var groups: [(boxes: [Box], scores: [Float])] = []
    let total = counts.reduce(0, +)
    for image in 0..<batch {
      var first = image * total
      for count in counts {
        var (kept, own) = ([Box](), [Float]())
        for index in first..<first + count where logits[index].isFinite && boxes[index].isFinite {
          let box = boxes[index].clipped(
            width: extents[image].width, height: extents[image].height)
          guard box.width > 0, box.height > 0 else { continue }
          kept.append(box)
          own.append(logits[index])
        }
        groups.append((kept, own))
        first += count
      }
    }
    let thinned = NonMaximumSuppression(threshold: Float(shape.rules.proposalOverlap)).kept(groups)
    return (0..<batch).map { image in
      var (all, own) = ([Box](), [Float]())
      for level in counts.indices {
        let group = image * counts.count + level
        all += thinned[group].map { groups[group].boxes[$0] }
        own += thinned[group].map { groups[group].scores[$0] }
      }
      return descending(own).prefix(shape.rules.proposals).map { all[$0] }
    }
  }
}
