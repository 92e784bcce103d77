import Torch
import TorchNN

// R regions, C channels, K classes; class K stands for background.

/// A region that is learned from.
struct RegionSample {
  var box: Box
  /// The class, `K` for background.
  var label: Int
  /// The number of its true object; −1 of background.
  var object: Int
}

/// The box head of a detector, or several in a row, each of which improves the boxes that the next one
/// sees (Cai and Vasconcelos, 2018, “Cascade R-CNN”; detectron2's `CascadeROIHeads`).
struct BoxHeads {
  private let heads: [BoxHead]
  /// The share that a region and an object need to have in common, of each head.
  private let shares: [Double]
  private let classes: Int

  /// Declares one ``BoxHead``, or those of a cascade.
  init(_ shape: DetectorShape, in scope: Scope) {
    shares = shape.stages
    classes = shape.classes
    heads =
      shape.cascade == nil
      ? [BoxHead(shape, in: scope)]
      : shares.indices.map { BoxHead(shape, stage: $0, in: scope) }
  }

  /// A count, or its mean over the processes that share the batch; not 0, as what is divided then is.
  static func shared(_ count: Int, on device: Device) -> Tensor {
    SharedBatch.mean(Tensor([Float(count)], shape: []).sent(to: device)).clamped(atLeast: 1e-6)
  }

  /// How far the regions of a batch are off, of each head. The first one sees the samples; the others
  /// see where the one before moved them to, matched anew by a larger share, all of them.
  ///
  /// - Parameter pooled: Makes the heads' input of each image's regions.
  func losses(
    of samples: [[RegionSample]], _ truths: [TrueObjects], training: DenseTraining,
    pooling pooled: ([[Box]]) -> Tensor
  ) -> [(classes: Tensor, boxes: Tensor)] {
    var samples = samples
    var losses: [(classes: Tensor, boxes: Tensor)] = []
    for (stage, head) in heads.enumerated() {
      let all = samples.flatMap { $0 }
      var input = pooled(samples.map { $0.map(\.box) })
      if heads.count > 1 {
        // Each head's weights learn from its whole error, what is below from their mean.
        let value = input.detached()
        input = value + (input - value) / Double(heads.count)
      }
      let found = head(input, training: training)
      let targets = zip(samples, truths).flatMap { samples, truth in
        samples.filter { $0.object >= 0 }.map { truth.boxes[$0.object] }
      }
      losses.append(
        head.loss(
          scores: found.scores, codes: found.codes, labels: all.map(\.label),
          regions: all.map(\.box), targets: targets,
          divisor: Self.shared(all.count, on: found.scores.device)))
      guard stage + 1 < heads.count else { break }
      let moved = head.boxes(found.codes, of: all.map(\.box))
      var first = 0
      samples = samples.indices.map { image in
        let own = moved[first..<first + samples[image].count]
        first = own.endIndex
        return relabelled(Array(own), truths[image], share: shares[stage + 1])
      }
    }
    return losses
  }

  /// Boxes within the picture with what they hold; those without a size are left out.
  private func relabelled(_ boxes: [Box], _ truth: TrueObjects, share: Double) -> [RegionSample] {
    let (width, height) = truth.extent
    var kept = boxes.filter(\.isFinite).map { $0.clipped(width: width, height: height) }
      .filter { $0.width > 0 && $0.height > 0 }
    if kept.isEmpty { kept = [Box(0, 0, width, height)] }
    let matches = Matching(
      kept, with: truth.boxes, foreground: Float(share), background: Float(share)
    ).matches
    return zip(kept, matches).map { box, match in
      RegionSample(
        box: box, label: match >= 0 ? truth.classes[Int(match)] : classes,
        object: match >= 0 ? Int(match) : -1)
    }
  }

  /// The best objects of each image: the boxes of the last head, and the mean of all heads' shares of
  /// classes.
  ///
  /// - Parameter pooled: Makes the heads' input of each image's regions.
  func detections(
    _ proposals: [[Box]], extents: [(width: Float, height: Float)], _ rules: DetectionRules,
    pooling pooled: ([[Box]]) -> Tensor
  ) -> [[Detection]] {
    var regions = proposals
    var shares: [Float] = []
    var boxes: [Box] = []
    for (stage, head) in heads.enumerated() {
      let all = regions.flatMap { $0 }
      guard !all.isEmpty else { return proposals.map { _ in [] } }
      let (scores, codes) = head(pooled(regions))
      let own = scores.to(.float32).softmax(along: 1).floats()
      shares = stage == 0 ? own : zip(shares, own).map(+)
      boxes = head.boxes(codes, of: all)
      guard stage + 1 < heads.count else { break }
      var first = 0
      regions = regions.indices.map { image in
        let range = first..<first + regions[image].count
        first = range.upperBound
        let (width, height) = extents[image]
        // One that is not finite stays where it was, so that shares and boxes stay together.
        return range.map { index in
          boxes[index].isFinite
            ? boxes[index].clipped(width: width, height: height) : all[index]
        }
      }
    }
    if heads.count > 1 { shares = shares.map { $0 / Float(heads.count) } }
    let kinds = boxes.count / max(1, proposals.reduce(0) { $0 + $1.count })
    var first = 0
    return proposals.indices.map { image in
      let rows = first..<first + proposals[image].count
      first = rows.upperBound
      guard !rows.isEmpty else { return [] }
      return heads[heads.count - 1].detections(
        shares: Array(shares[rows.lowerBound * (classes + 1)..<rows.upperBound * (classes + 1)]),
        Array(boxes[rows.lowerBound * kinds..<rows.upperBound * kinds]), extent: extents[image],
        rules)
    }
  }
}
