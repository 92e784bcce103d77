/// Random changes of colour and sharpness of one view of an image in contrastive learning: colour
/// jitter, grayscale, Gaussian blur and solarisation, in this order, each with a probability of its
/// own (Chen et al., 2020, arXiv:2002.05709, A; Grill et al., 2020, arXiv:2006.07733, B).
///
/// Grayscale images have brightness, contrast, blur and solarisation; saturation, hue and the change
/// to grayscale leave them as they are.
public struct ColorDistortion: Codable, Hashable, Sendable {
  /// The ranges of brightness, contrast, saturation and hue.
  public var jitter: ColorJitter
  /// Probability of the jitter.
  public var jitterProbability: Double
  /// Probability that the colours become gray.
  public var grayscale: Double
  /// Probability of a Gaussian blur, whose standard deviation is drawn from 0.1 to 2 pixels and
  /// whose kernel is a tenth of the image's shorter side: 23 × 23 at 224 × 224.
  public var blur: Double
  /// Probability that values of 128 and more are inverted.
  public var solarize: Double

  /// Creates a distortion; what is left out is what both views of BYOL have.
  public init(
    jitter: ColorJitter = ColorJitter(
      brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1),
    jitterProbability: Double = 0.8, grayscale: Double = 0.2, blur: Double, solarize: Double
  ) {
    self.jitter = jitter
    self.jitterProbability = jitterProbability
    self.grayscale = grayscale
    self.blur = blur
    self.solarize = solarize
  }

  /// Standard deviations of the blur, in pixels.
  static let blurStd = 0.1...2.0

  /// What is wrong with the values, each as the field's path and a sentence.
  var problems: [(path: String, message: String)] {
    var found = jitter.problems.map { (path: "jitter." + $0.path, message: $0.message) }
    for (name, value) in [
      ("jitterProbability", jitterProbability), ("grayscale", grayscale), ("blur", blur),
      ("solarize", solarize),
    ] where !(0...1).contains(value) {
      found.append((name, "is \(value); expected a probability between 0 and 1"))
    }
    return found
  }

  /// Draws what happens to one view and does it.
  func apply(to image: inout ByteImage, using random: inout SampleRandom) {
    // All of it is drawn, applied or not, so that turning one thing off leaves the others as they
    // were.
    var colors = SampleRandom(seed: random.next())
    let isJittered = random.uniform() < jitterProbability
    let isGray = random.uniform() < grayscale
    let isBlurred = random.uniform() < blur
    let std = random.uniform(Self.blurStd.lowerBound, Self.blurStd.upperBound)
    let isSolarized = random.uniform() < solarize
    if isJittered { jitter.apply(to: &image, using: &colors) }
    if isGray { image.adjustSaturation(by: 0) }
    if isBlurred {
      image.blur(std: std, kernel: ByteImage.blurKernel(for: min(image.width, image.height)))
    }
    if isSolarized { image.solarize() }
  }
}
