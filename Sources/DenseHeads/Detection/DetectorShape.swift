/// What a detector has beside its encoder's configuration.
public struct DetectorShape: Codable, Hashable, Sendable {
  /// The encoder's maps.
  public var backbone: BackboneShape
  /// What makes a pyramid of them.
  public var pyramid: Pyramid
  /// Channels of the pyramid and of the convolutions of heads.
  public var channels: Int
  /// Convolutions of the heads of boxes and of masks.
  public var convolutions: Int
  /// Convolutions of the proposal network.
  public var proposalConvolutions: Int
  /// Values of the layer between the convolutions of boxes and their scores.
  public var hidden: Int
  /// The norm of the heads.
  public var norm: NormedConv2d.Norm
  /// Whether objects get masks.
  public var hasMasks: Bool
  /// Sides of square anchors in pixels, one for each of the five levels.
  public var anchorSizes: [Double]
  /// Height over width of anchors.
  public var anchorRatios: [Double]
  /// The share that a region and an object need to have in common in each of several box heads in a row
  /// (Cai and Vasconcelos, 2018, “Cascade R-CNN”); nil for a single head, at one half.
  public var cascade: [Double]?
  /// How proposals are drawn, thinned and scored.
  public var rules: DetectionRules
  /// Classes of objects, `K`.
  public var classes: Int

  /// What makes a pyramid of the encoder's maps.
  public enum Pyramid: String, Codable, Hashable, Sendable, CaseIterable {
    /// ``SimplePyramid`` of the last map: ViTDet.
    case simple
    /// ``FourScales`` and ``TopDownPyramid`` of four maps: Table 4.
    case topDown
  }

  /// Creates a shape; what is left out is ViTDet's.
  public init(
    backbone: BackboneShape, pyramid: Pyramid = .simple, channels: Int = 256,
    convolutions: Int = 4, proposalConvolutions: Int = 2, hidden: Int = 1024,
    norm: NormedConv2d.Norm = .channel, hasMasks: Bool = true,
    anchorSizes: [Double] = [32, 64, 128, 256, 512], anchorRatios: [Double] = [0.5, 1, 2],
    cascade: [Double]? = nil, rules: DetectionRules = .init(), classes: Int
  ) {
    self.backbone = backbone
    self.pyramid = pyramid
    self.channels = channels
    self.convolutions = convolutions
    self.proposalConvolutions = proposalConvolutions
    self.hidden = hidden
    self.norm = norm
    self.hasMasks = hasMasks
    self.anchorSizes = anchorSizes
    self.anchorRatios = anchorRatios
    self.cascade = cascade
    self.rules = rules
    self.classes = classes
  }

  /// Levels of the pyramid that proposals come from; regions come from all but the last.
  public static let levels = 5

  /// The share that a region and an object need to have in common, of each box head.
  public var stages: [Double] { cascade ?? [0.5] }

  /// The side of a cell of each level in pixels, for a patch.
  public static func strides(patch: Int) -> [Double] {
    [0.25, 0.5, 1, 2, 4].map { $0 * Double(patch) }
  }

  /// What is wrong with shares of a cascade; nil for nothing.
  public static func problem(ofCascade shares: [Double]) -> String? {
    (2...8).contains(shares.count) && shares.allSatisfy { $0 > 0 && $0 < 1 }
      && zip(shares, shares.dropFirst()).allSatisfy(<)
      ? nil
      : "is \(shares); expected 2 to 8 shares between 0 and 1 that grow, such as [0.5, 0.6, 0.7]"
  }

  /// What is wrong with the values for an encoder, each as the field's path and a sentence.
  public func problems(depth: Int, width: Int) -> [(path: String, message: String)] {
    var found = backbone.problems(depth: depth).map { ("backbone." + $0.path, $0.message) }
    let taps = pyramid == .simple ? 1 : 4
    if backbone.taps.count != taps {
      found.append(
        (
          "backbone.taps",
          "is \(backbone.taps); the \(pyramid.rawValue) pyramid needs "
            + (taps == 1 ? "one block" : "four blocks")
        ))
    }
    if pyramid == .simple, width % 4 != 0 {
      found.append(("pyramid", "is simple, and 4 does not divide the encoder's width \(width)"))
    }
    if pyramid == .topDown, width % 32 != 0 {
      found.append(("pyramid", "is topDown, and 32 does not divide the encoder's width \(width)"))
    }
    for (path, value) in [
      ("channels", channels), ("hidden", hidden), ("proposalConvolutions", proposalConvolutions),
    ] where !(1...65_536).contains(value) {
      found.append((path, "is \(value); expected a whole number from 1 to 65536"))
    }
    if !(0...64).contains(convolutions) {
      found.append(("convolutions", "is \(convolutions); expected a whole number from 0 to 64"))
    }
    if anchorSizes.count != Self.levels || anchorSizes.contains(where: { !($0 > 0) }) {
      found.append(("anchorSizes", "is \(anchorSizes); expected five sides in pixels"))
    }
    if anchorRatios.isEmpty || anchorRatios.contains(where: { !($0 > 0) }) {
      found.append(("anchorRatios", "is \(anchorRatios); expected ratios above 0"))
    }
    if let cascade, let message = Self.problem(ofCascade: cascade) {
      found.append(("cascade", message))
    }
    if !(1...65_534).contains(classes) {
      found.append(("classes", "is \(classes); expected a whole number from 1 to 65534"))
    }
    return found + rules.problems.map { ("rules." + $0.path, $0.message) }
  }
}

/// How a detector matches, draws and thins its boxes; the values that are left out are Mask R-CNN's.
public struct DetectionRules: Codable, Hashable, Sendable {
  /// Anchors of an image that count in training, half of them foreground at most.
  public var anchors: Int = 256
  /// Regions of an image that count in training, a quarter of them foreground at most.
  public var regions: Int = 512
  /// Proposals of a level before they are thinned, in training.
  public var trainingCandidates: Int = 2000
  /// Proposals of a level before they are thinned.
  public var candidates: Int = 1000
  /// Proposals of an image.
  public var proposals: Int = 1000
  /// A proposal that shares more than this with a better one of its level is dropped.
  public var proposalOverlap: Double = 0.7
  /// A detection of a score at or below this is dropped.
  public var score: Double = 0.05
  /// A detection that shares more than this with a better one of its class is dropped.
  public var overlap: Double = 0.5
  /// Detections of an image.
  public var detections: Int = 100

  /// Mask R-CNN's.
  public init() {}

  /// What is wrong with the values, each as the field's path and a sentence.
  public var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    for (path, value) in [
      ("anchors", anchors), ("regions", regions), ("trainingCandidates", trainingCandidates),
      ("candidates", candidates), ("proposals", proposals), ("detections", detections),
    ] where !(1...1_000_000).contains(value) {
      found.append((path, "is \(value); expected a whole number from 1 to 1000000"))
    }
    for (path, value) in [
      ("proposalOverlap", proposalOverlap), ("score", score), ("overlap", overlap),
    ] where !(0...1).contains(value) {
      found.append((path, "is \(value); expected a share from 0 to 1"))
    }
    return found
  }
}
