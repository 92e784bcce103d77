/// Random changes of tone, colour and place, all equally likely and all as strong (Cubuk et al.,
/// 2020, arXiv:1909.13719): what the paper fine-tunes with (Table 9, "RandAug (9, 0.5)").
///
/// The fifteen operations and their strengths are those of timm's `rand-m9-mstd0.5-inc1`, and
/// pixels are to the byte what Pillow makes of them. Gray images know all but colour.
public struct RandAugment: Codable, Hashable, Sendable {
  /// Operations drawn for an image, each from all fifteen.
  public var operations: Int
  /// How strong they are, from 0 to 10.
  public var magnitude: Double
  /// Standard deviation of the magnitude, which is drawn for each operation and kept in 0…10.
  public var noise: Double
  /// Probability that an operation which was drawn is applied.
  public var probability: Double
  /// How moved pixels are interpolated; nil draws it for each operation.
  public var filter: ResamplingFilter?

  /// Creates an augmentation; what is left out is the paper's.
  public init(
    operations: Int = 2, magnitude: Double = 9, noise: Double = 0.5, probability: Double = 0.5,
    filter: ResamplingFilter? = nil
  ) {
    self.operations = operations
    self.magnitude = magnitude
    self.noise = noise
    self.probability = probability
    self.filter = filter
  }

  /// Magnitudes go from 0 to this.
  static let mostMagnitude = 10.0
}

extension RandAugment {
  /// What is wrong with the values, each as the field's path and a sentence.
  var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    if operations < 1 {
      found.append(("operations", "is \(operations); expected a whole number of at least 1"))
    }
    if !(0...Self.mostMagnitude).contains(magnitude) {
      found.append(("magnitude", "is \(magnitude); expected a number from 0 to 10"))
    }
    if !(0...Self.mostMagnitude).contains(noise) {
      found.append(("noise", "is \(noise); expected a number from 0 to 10"))
    }
    if !(0...1).contains(probability) {
      found.append(
        ("probability", "is \(probability); expected a probability between 0 and 1"))
    }
    return found
  }
}

extension RandAugment {
  /// Draws operations and applies them to an image. `[H, W, C]`
  ///
  /// - Parameter fill: what is shown where an image is moved away, a value for each channel.
  public func apply(
    to image: inout ByteImage, fill: [UInt8], using random: inout SampleRandom,
    scratch: DecoderScratch = DecoderScratch()
  ) {
    precondition(
      fill.count == image.channels, "\(fill.count) values to fill \(image.channels) channels")
    for step in steps(using: &random) {
      step.operation.apply(
        step.argument, to: &image, filter: step.filter, fill: fill, scratch: scratch)
    }
  }

  /// An operation that is applied, and how.
  struct Step: Hashable {
    var operation: Operation
    var argument: Double
    var filter: ResamplingFilter
  }

  /// Draws what happens to one image.
  func steps(using random: inout SampleRandom) -> [Step] {
    (0..<operations).compactMap { _ in
      // All of it is drawn, applied or not, so that turning one thing leaves the others as they
      // were.
      let operation = Operation.allCases[random.integer(below: Operation.allCases.count)]
      let isApplied = random.uniform() < probability
      let strength = min(max(magnitude + noise * random.normal(), 0), Self.mostMagnitude)
      let isNegative = random.uniform() < 0.5
      let drawn: ResamplingFilter = random.uniform() < 0.5 ? .bilinear : .bicubic
      guard isApplied else { return nil }
      return Step(
        operation: operation, argument: operation.argument(at: strength, isNegative: isNegative),
        filter: filter ?? drawn)
    }
  }
}
