import CImageCodecs

/// Mean and standard deviation of each channel on the scale 0…1; bytes become
/// `(x / 255 − mean) / std`. Of rasters they are in the files' own units, without the division.
public struct PixelNormalization: Codable, Hashable, Sendable {
  /// Mean of each channel.
  public let mean: [Double]
  /// Standard deviation of each channel.
  public let std: [Double]

  /// Creates a normalisation.
  ///
  /// - Precondition: as many means as deviations, one at least, and every deviation above 0.
  public init(mean: [Double], std: [Double]) {
    precondition(
      mean.count == std.count && !mean.isEmpty,
      "\(mean.count) means and \(std.count) deviations; expected one of each for every channel")
    precondition(std.allSatisfy { $0 > 0 }, "a deviation in \(std) is not above 0")
    self.mean = mean
    self.std = std
  }

  /// ImageNet's, of RGB.
  public static let imageNet = PixelNormalization(
    mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

  /// Number of channels, `C`.
  public var channels: Int { mean.count }

  /// The mean as bytes.
  package var meanBytes: [UInt8] {
    mean.map { UInt8(min(max((255 * $0).rounded(.toNearestOrEven), 0), 255)) }
  }
  /// Factor of a byte.
  package var scale: [Float] { std.map { Float(1 / (255 * $0)) } }
  /// Added after the factor.
  package var offset: [Float] { zip(mean, std).map { Float(-$0 / $1) } }
}

extension ByteImage {
  /// Writes normalised floats as planes. `[H, W, C]` → `[C, H, W]`
  func writePlanes(
    normalized: PixelNormalization, into planes: UnsafeMutablePointer<Float>
  ) {
    precondition(normalized.channels == channels)
    let count = width * height
    let scale = normalized.scale
    let offset = normalized.offset
    pixels.withUnsafeBufferPointer { pixels in
      guard let first = pixels.baseAddress else { return }
      for c in 0..<channels {
        mae_normalize(first + c, channels, count, scale[c], offset[c], planes + c * count)
      }
    }
  }

  /// Writes the bytes as planes. `[H, W, C]` → `[C, H, W]`
  package func writePlanes(into planes: UnsafeMutablePointer<UInt8>) {
    let count = width * height
    pixels.withUnsafeBufferPointer { pixels in
      guard let first = pixels.baseAddress else { return }
      for c in 0..<channels { mae_pick(first + c, channels, count, planes + c * count) }
    }
  }

  /// The image that normalised floats show, as bytes. `[C, H, W]` → `[H, W, C]`
  init(
    planes: UnsafePointer<Float>, size: PixelSize, normalized: PixelNormalization
  ) {
    let count = size.width * size.height
    let channels = normalized.channels
    let scale = normalized.scale
    let offset = normalized.offset
    self.init(width: size.width, height: size.height, channels: channels) { out in
      for c in 0..<channels {
        for i in 0..<count {
          let value = (planes[c * count + i] - offset[c]) / scale[c]
          out[i * channels + c] = UInt8(min(max(value.rounded(), 0), 255))
        }
      }
    }
  }
}
