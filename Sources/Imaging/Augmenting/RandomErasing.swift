import Foundation

/// Erases a rectangle of a normalised image (Zhong et al., 2020, arXiv:1708.04896), as timm does.
///
/// The paper's Table 9 has none; the published fine-tuning code erases in a quarter of the images.
public struct RandomErasing: Codable, Hashable, Sendable {
  /// What is put into the rectangle.
  public enum Mode: String, CaseIterable, Codable, Hashable, Sendable {
    /// A number from N(0, 1) for every value.
    case pixel
    /// 0, the mean colour.
    case constant = "const"
    /// One colour, a number from N(0, 1) for each channel.
    case color = "rand"
  }

  /// Probability that an image is erased from.
  public var probability: Double
  /// What is put into the rectangle.
  public var mode: Mode
  /// The most rectangles; from 1 to so many are drawn, and share the area.
  public var count: Int
  /// Smallest share of the image that is erased.
  public var minArea: Double
  /// Largest share of the image that is erased.
  public var maxArea: Double
  /// Smallest height over width.
  public var minRatio: Double
  /// Largest height over width.
  public var maxRatio: Double

  /// Creates an erasing; what is left out is the published fine-tuning code's.
  public init(
    probability: Double = 0.25, mode: Mode = .pixel, count: Int = 1, minArea: Double = 0.02,
    maxArea: Double = 1.0 / 3, minRatio: Double = 0.3, maxRatio: Double = 1 / 0.3
  ) {
    self.probability = probability
    self.mode = mode
    self.count = count
    self.minArea = minArea
    self.maxArea = maxArea
    self.minRatio = minRatio
    self.maxRatio = maxRatio
  }
}

extension RandomErasing {
  /// What is wrong with the values, each as the field's path and a sentence.
  var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    func require(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { found.append((path, message())) }
    }
    require(
      (0...1).contains(probability), "probability",
      "is \(probability); expected a probability between 0 and 1")
    require(count >= 1, "count", "is \(count); expected a whole number of at least 1")
    require(minArea >= 0, "minArea", "is \(minArea); expected a share of at least 0")
    require(maxArea <= 1, "maxArea", "is \(maxArea); expected a share of at most 1")
    require(minArea <= maxArea, "maxArea", "is \(maxArea), below minArea \(minArea)")
    require(minRatio > 0, "minRatio", "is \(minRatio); expected a number above 0")
    require(
      minRatio <= maxRatio && maxRatio.isFinite, "maxRatio",
      "is \(maxRatio); expected a number of at least minRatio \(minRatio)")
    return found
  }

  /// Draws whether, where and what to erase, and does it. `[C, H, W]`
  ///
  /// - Parameter size: `W` and `H`.
  public func apply(
    to planes: UnsafeMutablePointer<Float>, channels: Int, size: PixelSize,
    using random: inout SampleRandom
  ) {
    guard probability > 0, random.uniform() < probability else { return }
    let number = count > 1 ? 1 + random.integer(below: count) : 1
    for _ in 0..<number {
      guard let rectangle = rectangle(in: size, sharedBy: number, using: &random) else { continue }
      for c in 0..<channels {
        let color = mode == .color ? Float(random.normal()) : 0
        for y in rectangle.y..<rectangle.maxY {
          let row = planes + (c * size.height + y) * size.width + rectangle.x
          if mode == .pixel {
            for x in 0..<rectangle.width { row[x] = Float(random.normal()) }
          } else {
            row.update(repeating: color, count: rectangle.width)
          }
        }
      }
    }
  }

  /// Ten tries of a random area and a log-uniform ratio at a random place; nil where none fits.
  func rectangle(
    in size: PixelSize, sharedBy number: Int = 1, using random: inout SampleRandom
  ) -> PixelRectangle? {
    for _ in 0..<10 {
      let share = random.uniform(minArea, maxArea) / Double(number)
      let ratio = exp(random.uniform(log(minRatio), log(maxRatio)))
      guard let erased = Self.size(share: share, ratio: ratio, of: size) else { continue }
      return random.place(erased, in: size)
    }
    return nil
  }

  /// The rectangle of a share of an image and of `ratio` height over width; nil where it reaches
  /// from side to side.
  static func size(share: Double, ratio: Double, of image: PixelSize) -> PixelSize? {
    let area = share * Double(image.width * image.height)
    let height = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
    let width = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
    guard height < image.height, width < image.width else { return nil }
    return PixelSize(width: width, height: height)
  }
}
