import Dispatch
public import Imaging
import Synchronization

/// Mean and deviation of a set's pixels.
public struct PixelStatistics: Hashable, Sendable {
  /// Of each channel, on the scale 0…1; of rasters in the files' units.
  public var normalization: PixelNormalization
  /// How many images they come from.
  public var images: Int
  /// Images of the sample that could not be decoded.
  public var broken: [UndecodableImage]

  /// Smallest deviation that is given; a set of one colour has none.
  static let smallestDeviation = 1.0 / 255

  /// Reads a sample of a set; every image counts as much, whatever its size. From a weighted
  /// mixture it is drawn as training draws.
  ///
  /// - Parameters:
  ///   - path: what the set is called in messages.
  ///   - sample: most images that are read; which ones, `seed` says.
  ///   - raster: how images are read as rasters; nil reads pictures. Missing values that are filled by
  ///     their channel's mean do not count.
  ///   - valueRange: which samples of 16 bits are black and white, see `EncodedImage.valueRange`.
  /// - Throws: `DatasetError` where no image of the sample can be decoded.
  public init(
    of dataset: any ImageDataset, path: String = "data", channels: Int = 3, sample: Int = 2000,
    seed: UInt64 = 0, valueRange: ClosedRange<Int>? = nil, raster: RasterSettings? = nil
  ) throws(DatasetError) {
    let plan = TrainingPlan(dataset.layout, Sampling(), batch: 1, seed: seed)
    let count = min(sample, dataset.count)
    let order = (0..<count).compactMap { plan.choice(number: $0, slot: 0, attempt: 0)?.index }
    let results = Mutex<[Int: Result<Moments, ImageError>]>([:])
    DispatchQueue.concurrentPerform(iterations: count) { i in
      let result = Result { () throws(ImageError) in
        let content = try dataset.content(of: order[i])
        if let raster { return try Moments(of: content.filledRaster(raster, channels: channels)) }
        return Moments(of: try content.withValueRange(valueRange).image(channels: channels))
      }
      results.withLock { $0[i] = result }
    }
    var sum = [Double](repeating: 0, count: channels)
    var squares = sum
    var broken: [UndecodableImage] = []
    let all = results.withLock { $0 }
    // In a fixed order, so that rounding is the same however the threads ran.
    for i in 0..<count {
      switch all[i] {
      case .success(let moments):
        for c in 0..<channels {
          sum[c] += moments.mean[c]
          squares[c] += moments.square[c]
        }
      case .failure(let error):
        broken.append(
          UndecodableImage(
            index: order[i], name: dataset.name(of: order[i]), reason: error.reason))
      case nil: break
      }
    }
    images = count - broken.count
    self.broken = broken
    guard images > 0 else {
      throw DatasetError(
        .tooManyBroken, path: path,
        "none of \(count) images could be decoded; the first is \(broken.first?.description ?? "")")
    }
    let total = Double(images)
    let mean = sum.map { $0 / total }
    let std = zip(squares, mean).map { square, mean in
      let std = max(square / total - mean * mean, 0).squareRoot()
      // A channel of one value stays 0 after normalisation, whatever its unit.
      if raster != nil { return std > 1e-7 * abs(mean) ? std : 1 }
      return max(std, Self.smallestDeviation)
    }
    normalization = PixelNormalization(mean: mean, std: std)
  }
}

/// Means of one image's values and of their squares, on the scale 0…1.
private struct Moments {
  var mean: [Double]
  var square: [Double]

  init(of raster: Raster) {
    let found = RasterMoments(of: raster).channels
    mean = found.map(\.mean)
    square = found.map(\.square)
  }

  init(of image: ByteImage) {
    var sums = [Int](repeating: 0, count: image.channels)
    var squares = sums
    var c = 0
    for byte in image.pixels {
      let value = Int(byte)
      sums[c] += value
      squares[c] += value * value
      c = c + 1 == image.channels ? 0 : c + 1
    }
    let count = Double(image.width * image.height)
    mean = sums.map { Double($0) / (count * 255) }
    square = squares.map { Double($0) / (count * 255 * 255) }
  }
}
