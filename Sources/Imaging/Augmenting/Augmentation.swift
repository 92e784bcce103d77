/// Which part of an image is shown to the model.
public enum CropMode: String, CaseIterable, Codable, Hashable, Sendable {
  /// A part of random area and aspect ratio at a random place, resized to the output size: the
  /// paper's choice (Table 1e, "crop, random size").
  case randomResized = "random-resized"
  /// A part of random area and aspect ratio as it is drawn first, each side cut to the image's: how
  /// the paper trains linear probes (§A.1; after BYOL, Grill et al., 2020). Wide and tall images
  /// are shown in other proportions than `randomResized`, which draws again, would show them.
  case randomClipped = "random-clipped"
  /// The image at a fixed scale, cut at a random place: Table 1e, "crop, fixed size", of which the
  /// paper gives no details. Images are resized as for `center` and cut without padding. Where
  /// that leaves no margin, and for images of the output's own size, the image just covers the
  /// output and is padded by reflection, as is usual for CIFAR.
  case randomFixed = "random-fixed"
  /// The middle of the image at a fixed scale: evaluation, and Table 1e, "none".
  case center
  /// The whole image resized to the output size, whatever that does to its proportions.
  case none
}

/// Random changes of colour, with the meaning torchvision's `ColorJitter` gives them; 0 is off.
///
/// Those that are on are applied in random order. Gray images know brightness and contrast only.
public struct ColorJitter: Codable, Hashable, Sendable {
  /// The image times a factor of `max(0, 1 − b) … 1 + b`.
  public var brightness: Double
  /// The distance to the mean gray times a factor of `max(0, 1 − c) … 1 + c`.
  public var contrast: Double
  /// The distance to the gray image times a factor of `max(0, 1 − s) … 1 + s`.
  public var saturation: Double
  /// The hue turned by `−h … h` of a full circle; at most ½.
  public var hue: Double

  /// Creates a jitter; what is left out is off.
  public init(
    brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0
  ) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  /// No change at all.
  public static let none = ColorJitter()

  /// What is wrong with the values, each as the field's path and a sentence.
  var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    for (name, value) in [
      ("brightness", brightness), ("contrast", contrast), ("saturation", saturation),
    ] where !(value >= 0 && value.isFinite) {
      found.append((name, "is \(value); expected 0 or more"))
    }
    if !(0...0.5).contains(hue) { found.append(("hue", "is \(hue); expected 0 to 0.5")) }
    return found
  }
}

/// How an image becomes one training example: crop, flip, RandAugment, colour, distortion, erasing,
/// vertical flip, quarter turns, in this order of random draws. What is off draws nothing.
public struct Augmentation: Codable, Hashable, Sendable {
  /// Which part is shown.
  public var crop: CropMode
  /// Smallest share of the image's area in a `randomResized` or `randomClipped` crop.
  public var minScale: Double
  /// Largest share of the image's area in such a crop.
  public var maxScale: Double
  /// Smallest width over height of such a crop.
  public var minRatio: Double
  /// Largest width over height of such a crop.
  public var maxRatio: Double
  /// Pixels added by reflection to each side before a `randomFixed` crop without a margin.
  public var padding: Int
  /// Share of the resized image's shorter side that a `center` or a `randomFixed` crop keeps.
  public var centerFraction: Double
  /// Probability of mirroring left to right.
  public var flip: Double
  /// Random changes of tone, colour and place; nil is off.
  public var randAugment: RandAugment?
  /// Random changes of colour, after RandAugment's.
  public var jitter: ColorJitter
  /// Random changes of one view in contrastive learning, after the jitter; nil is off.
  public var distortion: ColorDistortion?
  /// Random rectangles erased from the normalised image; nil is off.
  public var erasing: RandomErasing?
  /// How pixels are interpolated.
  public var filter: ResamplingFilter
  /// Random vertical flips and quarter turns, of the finished example; nil is off.
  public var turning: RandomTurning?

  /// Creates an augmentation; what is left out is the paper's (§A.1 and its code).
  public init(
    crop: CropMode = .randomResized, minScale: Double = 0.2, maxScale: Double = 1,
    minRatio: Double = 0.75, maxRatio: Double = 4.0 / 3, padding: Int = 4,
    centerFraction: Double = 0.875, flip: Double = 0.5, randAugment: RandAugment? = nil,
    jitter: ColorJitter = .none, distortion: ColorDistortion? = nil,
    erasing: RandomErasing? = nil, filter: ResamplingFilter = .bicubic,
    turning: RandomTurning? = nil
  ) {
    self.crop = crop
    self.minScale = minScale
    self.maxScale = maxScale
    self.minRatio = minRatio
    self.maxRatio = maxRatio
    self.padding = padding
    self.centerFraction = centerFraction
    self.flip = flip
    self.randAugment = randAugment
    self.jitter = jitter
    self.distortion = distortion
    self.erasing = erasing
    self.filter = filter
    self.turning = turning
  }

  /// The paper's pre-training: random resized crops of 20 to 100 % of the area, flipped half of
  /// the time.
  public static let pretraining = Augmentation()
  /// The paper's fine-tuning (Table 9): crops of 8 to 100 % of the area, flips, RandAugment (9,
  /// 0.5). The published code also erases, see ``RandomErasing``; moved pixels are interpolated by
  /// `filter`'s kind, as timm does where one is named.
  public static let finetuning = Augmentation(
    minScale: 0.08, randAugment: RandAugment(filter: .bicubic))
  /// The paper's linear probes: crops of 8 to 100 % of the area, drawn once, and flips.
  public static let linearProbing = Augmentation(crop: .randomClipped, minScale: 0.08)
  /// Evaluation at 224 pixels and about: the short side resized to size / 0.875, the middle of
  /// that, nothing random.
  public static let evaluation = Augmentation(crop: .center, flip: 0)
  /// Evaluation at a size: nothing is cut off the short side of images for models of more than 224
  /// pixels, which is the published code's rule, and of less than 64, which have no margin to lose.
  public static func evaluation(for size: PixelSize) -> Augmentation {
    Augmentation(crop: .center, centerFraction: centerFraction(for: size), flip: 0)
  }
  /// Share of the resized image's shorter side that evaluation at a size keeps, by the same rule.
  public static func centerFraction(for size: PixelSize) -> Double {
    (64...224).contains(min(size.width, size.height)) ? 0.875 : 1
  }
  /// The image as it is, resized if it has another size.
  public static let identity = Augmentation(crop: .none, flip: 0)
}

extension Augmentation {
  /// What is wrong with the values, each as the field's path and a sentence; empty when all is
  /// well.
  public var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    func require(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { found.append((path, message())) }
    }
    require(minScale > 0, "minScale", "is \(minScale); expected a share above 0")
    require(maxScale <= 1, "maxScale", "is \(maxScale); expected a share of at most 1")
    require(minScale <= maxScale, "maxScale", "is \(maxScale), below minScale \(minScale)")
    require(minRatio > 0, "minRatio", "is \(minRatio); expected a number above 0")
    require(
      minRatio <= maxRatio && maxRatio.isFinite, "maxRatio",
      "is \(maxRatio); expected a number of at least minRatio \(minRatio)")
    require(padding >= 0, "padding", "is \(padding); expected a whole number of at least 0")
    require(
      centerFraction > 0 && centerFraction <= 1, "centerFraction",
      "is \(centerFraction); expected a share above 0 and at most 1")
    require(
      (0...1).contains(flip), "flip", "is \(flip); expected a probability between 0 and 1")
    found += jitter.problems.map { ("jitter." + $0.path, $0.message) }
    found += (distortion?.problems ?? []).map { ("distortion." + $0.path, $0.message) }
    found += (randAugment?.problems ?? []).map { ("randAugment." + $0.path, $0.message) }
    found += (erasing?.problems ?? []).map { ("erasing." + $0.path, $0.message) }
    found += (turning?.problems ?? []).map { ("turning." + $0.path, $0.message) }
    return found
  }
}
