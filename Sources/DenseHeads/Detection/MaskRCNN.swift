public import MaskedAutoencoders
public import Torch
public import TorchNN

// B images, C channels, H × W pixels, K classes.

/// Mask R-CNN on a plain Vision Transformer (He et al., 2017; Li et al., 2021 and 2022): boxes, classes
/// and masks of the objects of an image.
///
/// The names of weights are detectron2's (ViTDet's), but for `backbone.net.cls_token`, which takes no
/// part and is frozen.
public struct MaskRCNN: Module {
  public let scope: Scope
  /// The encoder's configuration; images may have another size.
  public let configuration: ModelConfiguration
  /// Maps, pyramid, heads and classes.
  public let shape: DetectorShape
  /// The encoder.
  public let encoder: FeatureEncoder
  /// Proposals of boxes.
  public let proposalNetwork: ProposalNetwork
  private let simple: SimplePyramid?
  private let topDown: (scales: FourScales, pyramid: TopDownPyramid)?
  private let boxHeads: BoxHeads
  private let maskHead: MaskHead?
  private let assignment: LevelAssignment

  /// Declares the encoder's weights under `backbone.net`, the pyramid's under `backbone`, the others
  /// under `proposal_generator` and `roi_heads`.
  public init(_ configuration: ModelConfiguration, _ shape: DetectorShape, in scope: Scope) {
    self.scope = scope
    self.configuration = configuration
    self.shape = shape
    let (backbone, width) = (scope["backbone"], configuration.encoder.width)
    encoder = FeatureEncoder(configuration, shape.backbone, in: backbone["net"])
    switch shape.pyramid {
    case .simple:
      simple = SimplePyramid(width: width, channels: shape.channels, in: backbone)
      topDown = nil
    case .topDown:
      simple = nil
      topDown = (
        FourScales(width: width, norm: .group(32), in: backbone["neck"]),
        TopDownPyramid(
          widths: [Int](repeating: width, count: 4), channels: shape.channels, in: backbone)
      )
    }
    proposalNetwork = ProposalNetwork(
      shape, patch: configuration.patch, in: scope["proposal_generator"])
    let heads = scope["roi_heads"]
    boxHeads = BoxHeads(shape, in: heads)
    maskHead = shape.hasMasks ? MaskHead(shape, in: heads["mask_head"]) : nil
    assignment = LevelAssignment(canonicalSide: Double(14 * configuration.patch), levels: 4)
  }

  /// The pyramid of images `[B, C, H, W]`, normalised: five maps, of strides from a quarter of the patch
  /// to four patches.
  ///
  /// - Precondition: The patch divides the sides of the images.
  public func pyramid(of images: Tensor, training: DenseTraining? = nil) -> [Tensor] {
    let maps = encoder(images, training: training)
    let four =
      simple?(maps[0], training: training)
      ?? topDown.map { $0.pyramid($0.scales(maps, training: training), training: training) } ?? []
    return four + [four[3].maxPool2d(1, stride: 2)]
  }

  private var scales: [Double] { proposalNetwork.strides.prefix(4).map { 1 / $0 } }

  // MARK: Training

  /// How far a batch's detections are off.
  ///
  /// - Parameter truths: The true objects of each image; an image without any is all background.
  public func losses(
    of images: Tensor, _ truths: [TrueObjects], training: DetectionTraining
  ) -> DetectionLosses {
    let maps = pyramid(of: images, training: training.dense)
    let (scores, codes) = proposalNetwork(maps)
    let anchors = proposalNetwork.anchors(over: maps)
    let proposalLoss = proposalNetwork.loss(
      scores: scores, codes: codes, anchors, truths, using: training.draws)
    let proposals = proposalNetwork.proposals(
      scores: scores, codes: codes, anchors, extents: truths.map(\.extent),
      candidates: shape.rules.trainingCandidates)
    let samples = samples(of: proposals, truths, using: training.draws)
    let stages = boxHeads.losses(
      of: samples, truths, training: training.dense, pooling: pooling(maps))
    return DetectionLosses(
      objectness: proposalLoss.objectness, proposals: proposalLoss.boxes,
      classes: stages.dropFirst().reduce(stages[0].classes) { $0 + $1.classes },
      boxes: stages.dropFirst().reduce(stages[0].boxes) { $0 + $1.boxes },
      masks: maskLoss(maps, samples, truths, training), stages: stages.count > 1 ? stages : [])
  }

  /// What makes the heads' input of regions: `[R, C, 7, 7]`.
  private func pooling(_ maps: [Tensor]) -> ([[Box]]) -> Tensor {
    { regions in
      RegionAlign(bins: BoxHead.bins)(
        Array(maps.prefix(4)), regions, scales: scales, assignment)
    }
  }

  /// Regions that are learned from: proposals and the true boxes themselves, matched and drawn.
  func samples(
    of proposals: [[Box]], _ truths: [TrueObjects], using draws: ImageDraws
  ) -> [[RegionSample]] {
    let sampling = RegionSampling(count: shape.rules.regions, foreground: 0.25)
    return truths.indices.map { image in
      let truth = truths[image]
      var boxes = proposals[image] + truth.boxes
      if boxes.isEmpty {
        // Nothing was proposed on an image without objects: the image itself is background.
        boxes = [Box(0, 0, truth.extent.width, truth.extent.height)]
      }
      let matches = Matching(boxes, with: truth.boxes, foreground: 0.5, background: 0.5).matches
      let drawn = sampling.sample(matches, using: draws.generators[image])
      return drawn.foreground.map { index in
        let object = Int(matches[index])
        return RegionSample(box: boxes[index], label: truth.classes[object], object: object)
      }
        + drawn.background.map {
          RegionSample(box: boxes[$0], label: shape.classes, object: -1)
        }
    }
  }

  /// The masks' part of the loss; nil without masks. Where no region holds an object it is 0, computed
  /// from a region all the same, so that every weight gets a gradient.
  private func maskLoss(
    _ maps: [Tensor], _ samples: [[RegionSample]], _ truths: [TrueObjects],
    _ training: DetectionTraining
  ) -> Tensor? {
    guard let maskHead else { return nil }
    let masked = zip(samples, truths).map { samples, truth in
      truth.masks == nil ? [] : samples.filter { $0.object >= 0 }
    }
    let count = masked.reduce(0) { $0 + $1.count }
    let divisor = BoxHeads.shared(count, on: maps[0].device)
    var regions = masked.map { $0.map(\.box) }
    if count == 0 { regions[0] = [samples[0].first?.box ?? Box(0, 0, 1, 1)] }
    let pooled = RegionAlign(bins: MaskHead.bins)(
      Array(maps.prefix(4)), regions, scales: scales, assignment)
    let scores = maskHead(pooled, training: training.dense)
    guard count > 0 else { return scores.to(.float32).sum() * 0 }
    let targets = zip(masked, truths).flatMap { samples, truth in
      truth.masks?(samples.map(\.object), samples.map(\.box), MaskHead.side) ?? []
    }
    return maskHead.loss(
      scores, labels: masked.flatMap { $0.map(\.label) }, targets: targets, divisor: divisor)
  }

  // MARK: Inference

  /// The objects of images `[B, C, H, W]`, normalised, by descending score, in pixels of the input.
  ///
  /// - Parameter extents: Width and height of each picture without what was added to it at the right
  ///   and below; nil for the whole input.
  public func callAsFunction(
    _ images: Tensor, extents: [(width: Float, height: Float)]? = nil
  ) -> [[Detection]] {
    withoutGradients {
      let size = images.shape
      let extents =
        extents
        ?? [(width: Float, height: Float)](
          repeating: (Float(size[3]), Float(size[2])), count: size[0])
      let maps = pyramid(of: images)
      let (scores, codes) = proposalNetwork(maps)
      let proposals = proposalNetwork.proposals(
        scores: scores, codes: codes, proposalNetwork.anchors(over: maps), extents: extents,
        candidates: shape.rules.candidates)
      return detections(maps, proposals, extents)
    }
  }

  private func detections(
    _ maps: [Tensor], _ proposals: [[Box]], _ extents: [(width: Float, height: Float)]
  ) -> [[Detection]] {
    let finest = Array(maps.prefix(4))
    var found = boxHeads.detections(
      proposals, extents: extents, shape.rules, pooling: pooling(maps))
    guard let maskHead, found.contains(where: { !$0.isEmpty }) else { return found }
    let regions = RegionAlign(bins: MaskHead.bins)(
      finest, found.map { $0.map(\.box) }, scales: scales, assignment)
    let masks = MaskHead.own(maskHead(regions).to(.float32), found.flatMap { $0.map(\.label) })
      .sigmoid().floats()
    let cells = MaskHead.side * MaskHead.side
    var next = 0
    for image in found.indices {
      for index in found[image].indices {
        found[image][index].mask = Array(masks[next * cells..<(next + 1) * cells])
        next += 1
      }
    }
    return found
  }
}
