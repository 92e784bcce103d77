/// An image of any number of channels in its file's own units, without loss: planes of floats, which
/// hold whole numbers of up to 24 bits exactly. `[C, H, W]`
public struct Raster: Hashable, Sendable {
  /// Pixels from left to right, `W`.
  public let width: Int
  /// Pixels from top to bottom, `H`.
  public let height: Int
  /// Channels, `C`.
  public let channels: Int
  /// What the samples are stored as.
  public let sampleType: SampleType
  /// `C × H × W` values.
  public package(set) var planes: [Float]
  /// Whether there were values that a number says are missing; they are NaN now.
  package private(set) var hasNoData = false

  /// Creates a raster from its values.
  ///
  /// - Precondition: the sides and channels are at least 1 and the count is `C × H × W`.
  public init(
    width: Int, height: Int, channels: Int, sampleType: SampleType = .float32, planes: [Float]
  ) {
    precondition(
      width >= 1 && height >= 1 && channels >= 1,
      "a raster of \(width)×\(height)×\(channels) has no samples")
    precondition(
      planes.count == width * height * channels,
      "\(planes.count) values; \(channels)×\(height)×\(width) are \(width * height * channels)")
    self.width = width
    self.height = height
    self.channels = channels
    self.sampleType = sampleType
    self.planes = planes
  }

  /// The bytes of a picture as they are.
  init(_ image: ByteImage) {
    let count = image.width * image.height
    let planes = [Float](unsafeUninitializedCapacity: count * image.channels) { out, filled in
      for c in 0..<image.channels {
        for i in 0..<count { out[c * count + i] = Float(image.pixels[i * image.channels + c]) }
      }
      filled = count * image.channels
    }
    self.init(
      width: image.width, height: image.height, channels: image.channels, sampleType: .uint8,
      planes: planes)
  }

  /// Its size.
  public var size: PixelSize { PixelSize(width: width, height: height) }

  /// How many values of each channel are no finite number.
  public var missing: [Int] {
    guard sampleType.isFloatingPoint || hasNoData else {
      return [Int](repeating: 0, count: channels)
    }
    let plane = width * height
    return planes.withUnsafeBufferPointer { planes in
      (0..<channels).map { c in
        (c * plane..<(c + 1) * plane).reduce(0) { $0 + (planes[$1].isFinite ? 0 : 1) }
      }
    }
  }

  /// Makes NaN of a channel's values that are the number for missing ones.
  mutating func markMissing(_ number: Double, in channel: Int) {
    let (number, plane) = (Float(number), width * height)
    for i in channel * plane..<(channel + 1) * plane where planes[i] == number {
      planes[i] = .nan
      hasNoData = true
    }
  }

  /// What counts as missing here, for messages.
  package var missingWords: String {
    hasNoData ? "NaN, infinite or no-data" : "NaN or infinite"
  }

  /// Puts numbers where there are none.
  ///
  /// - Parameters:
  ///   - rule: What becomes of missing values.
  ///   - means: The mean of each channel.
  ///   - numbers: What the channels are called in messages; by their place unless given.
  /// - Throws: `ImageError` that counts them, where they make a file a broken one.
  mutating func fillMissing(
    _ rule: RasterSettings.Missing, means: [Double], numbers: [Int]? = nil
  ) throws(ImageError) {
    let missing = missing
    guard missing.contains(where: { $0 > 0 }) else { return }
    let plane = width * height
    for c in 0..<channels where missing[c] > 0 {
      let fill: Float
      switch rule {
      case .broken: throw missingValues(missing, numbers: numbers)
      case .mean: fill = Float(means[c])
      case .value(let value): fill = Float(value)
      }
      for i in c * plane..<(c + 1) * plane where !planes[i].isFinite { planes[i] = fill }
    }
  }

  /// The error that counts missing values by channel.
  func missingValues(_ missing: [Int], numbers: [Int]?) -> ImageError {
    let total = missing.reduce(0, +)
    let places = missing.indices.filter { missing[$0] > 0 }
    let named = places.prefix(5).map { "\(numbers?[$0] ?? $0) (\(missing[$0]))" }
      .joined(separator: ", ")
    return ImageError(
      .missingValues,
      "has \(total) missing value\(total == 1 ? "" : "s") (\(missingWords)) in channel\(places.count == 1 ? "" : "s") "
        + "\(named)\(places.count > 5 ? ", …" : ""); give data.raster.missing a number or mean to fill them"
    )
  }

  /// The channels at some places, in that order.
  func selecting(_ places: [Int]) -> Raster {
    let plane = width * height
    var chosen = Raster(
      width: width, height: height, channels: places.count, sampleType: sampleType,
      planes: Array(places.map { planes[$0 * plane..<($0 + 1) * plane] }.joined()))
    chosen.hasNoData = hasNoData
    return chosen
  }
}
