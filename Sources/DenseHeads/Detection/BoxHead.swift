public import Torch
public import TorchNN

// R regions, C channels, K classes; class K stands for background.

/// Says what a region holds and where exactly (He et al., 2017; ViTDet, appendix A.2): convolutions,
/// a hidden layer, scores of classes and a code for each class.
public struct BoxHead: Module {
  public let scope: Scope
  /// Cells of a region's side.
  public static let bins = 7
  /// How boxes are told by regions.
  public let code: BoxCode
  private let convolutions: [NormedConv2d]
  private let hidden: Linear
  private let scores: Linear
  private let codes: Linear
  private let classes: Int
  /// Codes of a region: one for each class, or a single one.
  private let kinds: Int

  /// Declares `box_head.conv1`, …, `box_head.fc1`, `box_predictor.cls_score` and
  /// `box_predictor.bbox_pred` (detectron2's names).
  ///
  /// - Parameter stage: The place in a cascade, from 0: names are `box_head.0.conv1` then, a region has
  ///   one code for all classes, and what it is multiplied by grows with the place (`cascade_rcnn.py`);
  ///   nil for a single head.
  public init(_ shape: DetectorShape, stage: Int? = nil, in scope: Scope) {
    self.scope = scope
    classes = shape.classes
    kinds = stage == nil ? shape.classes : 1
    let step = Double((stage ?? 0) + 1)
    code = BoxCode(weights: [10 * step, 10 * step, 5 * step, 5 * step])
    let own = stage.map { scope["box_head", $0] } ?? scope["box_head"]
    let channels = shape.channels
    convolutions = (0..<shape.convolutions).map {
      NormedConv2d(
        channels, channels, kernel: 3, norm: shape.norm,
        initializing: .kaimingNormal(fanOut: 9 * channels), in: own["conv\($0 + 1)"])
    }
    let inputs = channels * Self.bins * Self.bins
    hidden = Linear(
      inputs, shape.hidden, initializing: .uniform(bound: (3 / Double(inputs)).squareRoot()),
      in: own["fc1"])
    let predictor = stage.map { scope["box_predictor", $0] } ?? scope["box_predictor"]
    scores = Linear(
      shape.hidden, shape.classes + 1, initializing: .normal(std: 0.01),
      in: predictor["cls_score"])
    codes = Linear(
      shape.hidden, 4 * kinds, initializing: .normal(std: 0.001), in: predictor["bbox_pred"])
  }

  /// Scores (logits) `[R, K + 1]` and codes `[R, K, 4]` of regions `[R, C, 7, 7]`; `[R, 1, 4]` in a
  /// cascade.
  public func callAsFunction(
    _ regions: Tensor, training: DenseTraining? = nil
  ) -> (scores: Tensor, codes: Tensor) {
    var x = regions
    for convolution in convolutions { x = convolution(x, training: training).relu() }
    x = hidden(x.flattened(from: 1)).relu()
    return (scores(x), codes(x).reshaped([-1, kinds, 4]))
  }

  /// How far regions are off: the cross-entropy of their classes over all regions, and the absolute
  /// differences of the codes of the true class of those that hold an object, over the number of all
  /// regions too.
  ///
  /// - Parameters:
  ///   - labels: The class of each region, `K` for background.
  ///   - targets: The true box of each region that holds an object, in their order.
  ///   - divisor: The number of regions, a scalar; with several processes its mean over them.
  public func loss(
    scores: Tensor, codes: Tensor, labels: [Int], regions: [Box], targets: [Box], divisor: Tensor
  ) -> (classes: Tensor, boxes: Tensor) {
    let device = scores.device
    let foreground = labels.indices.filter { labels[$0] < classes }
    precondition(foreground.count == targets.count, "targets are not those of the foreground")
    var wanted: [Float] = []
    for (region, target) in zip(foreground, targets) {
      let code = code.encode(target, from: regions[region])
      for index in 0..<4 { wanted.append(code[index]) }
    }
    let rows = foreground.map { kinds == 1 ? $0 : $0 * classes + labels[$0] }
    let found = codes.to(.float32).reshaped([-1, 4]).selected(
      Tensor(rows).sent(to: device), along: 0)
    return (
      scores.to(.float32).crossEntropySum(with: Tensor(labels).sent(to: device)) / divisor,
      (found - Tensor(wanted, shape: [rows.count, 4]).sent(to: device)).abs().sum() / divisor
    )
  }

  /// The boxes that codes `[R, K or 1, 4]` make of regions, those of a region one after the other.
  public func boxes(_ codes: Tensor, of regions: [Box]) -> [Box] {
    withoutGradients {
      let references = Tensor(regions).sent(to: codes.device).unsqueezed(1)
        .expanded([regions.count, kinds, 4])
      return code.decode(codes, from: references).boxes
    }
  }

  /// The best objects of an image: of each class those of enough score, thinned; then the best of all.
  ///
  /// - Parameters:
  ///   - scores: Logits of one image's regions, `[R, K + 1]`.
  ///   - codes: `[R, K, 4]`.
  public func detections(
    scores: Tensor, codes: Tensor, regions: [Box], extent: (width: Float, height: Float),
    _ rules: DetectionRules
  ) -> [Detection] {
    guard !regions.isEmpty else { return [] }
    let shares = withoutGradients { scores.to(.float32).softmax(along: 1).floats() }
    return detections(shares: shares, boxes(codes, of: regions), extent: extent, rules)
  }

  /// The same of shares of classes, `K + 1` a region, and boxes, `K` a region or one.
  func detections(
    shares: [Float], _ boxes: [Box], extent: (width: Float, height: Float),
    _ rules: DetectionRules
  ) -> [Detection] {
    var groups = [(boxes: [Box], scores: [Float])](
      repeating: ([], []), count: classes)
    for region in 0..<boxes.count / kinds {
      let own = shares[region * (classes + 1)..<(region + 1) * (classes + 1)]
      let decoded = boxes[region * kinds..<(region + 1) * kinds]
      guard own.allSatisfy(\.isFinite), decoded.allSatisfy(\.isFinite) else { continue }
      for label in 0..<classes where own[own.startIndex + label] > Float(rules.score) {
        let box = decoded[decoded.startIndex + (kinds == 1 ? 0 : label)]
        groups[label].boxes.append(box.clipped(width: extent.width, height: extent.height))
        groups[label].scores.append(own[own.startIndex + label])
      }
    }
    let kept = NonMaximumSuppression(threshold: Float(rules.overlap)).kept(groups)
    var found: [Detection] = []
    for label in 0..<classes {
      for index in kept[label] {
        found.append(
          Detection(
            box: groups[label].boxes[index], label: label, score: groups[label].scores[index]))
      }
    }
    return descending(found.map(\.score)).prefix(rules.detections).map { found[$0] }
  }
}

/// An object that was found.
public struct Detection: Hashable, Sendable {
  /// Where, in pixels of the network's input.
  public var box: Box
  /// Its class, from 0.
  public var label: Int
  /// How sure it is, from 0 to 1.
  public var score: Float
  /// The share of each cell of the box, 28 × 28 row by row, that the object covers; empty without
  /// masks.
  public var mask: [Float] = []

  /// Creates a detection.
  public init(box: Box, label: Int, score: Float, mask: [Float] = []) {
    self.box = box
    self.label = label
    self.score = score
    self.mask = mask
  }
}
