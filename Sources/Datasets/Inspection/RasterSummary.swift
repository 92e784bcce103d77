import Foundation
import Imaging

/// What is in the rasters of a set: channels, types, ranges and missing values.
public struct RasterSummary: Sendable {
  /// How many images there are of each type and number of channels, such as `uint16, 13 channels`.
  public private(set) var kinds: [String: Int] = [:]
  /// What was found of each channel, counted from 0.
  public private(set) var channels: [Channel] = []
  /// Images with missing values: their numbers and how many in each channel.
  public private(set) var missing: [(index: Int, counts: [Int])] = []
  /// What counts as missing.
  private var missingWords = ""

  /// The values of a channel that are finite.
  public struct Channel: Sendable {
    /// The smallest.
    public fileprivate(set) var smallest = Float.infinity
    /// The largest.
    public fileprivate(set) var largest = -Float.infinity
    /// Sums over the images' means and over their means of squares.
    fileprivate var sums = (mean: 0.0, square: 0.0)
    fileprivate var images = 0

    /// The mean, every image counting as much.
    public var mean: Double { sums.mean / Double(max(1, images)) }
    /// The standard deviation.
    public var std: Double {
      max(0, sums.square / Double(max(1, images)) - mean * mean).squareRoot()
    }
  }

  /// What one image adds.
  struct Part {
    let index: Int
    let kind: String
    let moments: RasterMoments
    let missing: [Int]
    let missingWords: String

    init(_ index: Int, _ raster: Raster) {
      self.index = index
      let channels = raster.channels == 1 ? "1 channel" : "\(raster.channels) channels"
      kind = "\(raster.sampleType.rawValue), \(channels)"
      moments = RasterMoments(of: raster)
      missing = raster.missing
      missingWords = raster.missingWords
    }
  }

  /// Images are added in their order, so that sums are the same however threads ran; nil for none.
  init?(_ parts: [Part]) {
    guard !parts.isEmpty else { return nil }
    for part in parts.sorted(by: { $0.index < $1.index }) {
      kinds[part.kind, default: 0] += 1
      while channels.count < part.missing.count { channels.append(Channel()) }
      for (c, value) in part.moments.channels.enumerated() where value.count > 0 {
        channels[c].smallest = min(channels[c].smallest, value.smallest)
        channels[c].largest = max(channels[c].largest, value.largest)
        channels[c].sums.mean += value.mean
        channels[c].sums.square += value.square
        channels[c].images += 1
      }
      guard part.missing.contains(where: { $0 > 0 }) else { continue }
      missing.append((part.index, part.missing))
      // The longer one says all.
      if part.missingWords.count > missingWords.count { missingWords = part.missingWords }
    }
  }

  /// The summary, a line each.
  ///
  /// - Parameter name: What an image is called.
  func lines(name: (Int) -> String) -> [String] {
    let kinds = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let shown = kinds.prefix(5).map { kinds.count == 1 ? $0.key : "\($0.key) (\($0.value))" }
    var lines = ["samples  " + shown.joined(separator: "; ") + (kinds.count > 5 ? "; …" : "")]
    let most = 32
    for (number, channel) in channels.enumerated().prefix(most) {
      lines.append(
        "channel  \(number): \(channel.smallest.short) to \(channel.largest.short), mean "
          + "\(Float(channel.mean).short), std \(Float(channel.std).short)")
    }
    if channels.count > most { lines.append("channel  … \(channels.count) in all") }
    if let first = missing.first {
      let counts = channels.indices.map { c in
        missing.reduce(0) { $0 + (c < $1.counts.count ? $1.counts[c] : 0) }
      }
      let named = counts.indices.filter { counts[$0] > 0 }
      let list = named.prefix(8).map { "\($0) (\(counts[$0]))" }.joined(separator: ", ")
      let many = named.count == 1 ? "channel" : "channels"
      lines.append(
        "missing  \(counts.reduce(0, +)) values (\(missingWords)) in \(missing.count) "
          + "image\(missing.count == 1 ? "" : "s"), \(many) \(list)\(named.count > 8 ? ", …" : ""); first "
          + "\(name(first.index)). Training counts these as broken files unless data.raster.missing fills them"
      )
    }
    lines.append(
      "reading  with data.channels=all, model.channels=\(channels.count) and data.normalization=computed"
    )
    return lines
  }
}

extension Float {
  /// As short as it can be written without losing what people look at: six digits.
  fileprivate var short: String {
    if self == rounded(), magnitude < 1e7 { return String(Int(self)) }
    return String(format: "%.6g", self)
  }
}

/// Moments of the finite values of a raster's channels.
struct RasterMoments {
  struct Channel {
    var count = 0
    var mean = 0.0
    /// The mean of squares.
    var square = 0.0
    var smallest = Float.infinity
    var largest = -Float.infinity
  }

  private(set) var channels: [Channel] = []

  init(of raster: Raster) {
    let plane = raster.width * raster.height
    raster.planes.withUnsafeBufferPointer { values in
      for c in 0..<raster.channels {
        var channel = Channel()
        var (sum, squares) = (0.0, 0.0)
        for value in values[c * plane..<(c + 1) * plane] where value.isFinite {
          channel.count += 1
          channel.smallest = Swift.min(channel.smallest, value)
          channel.largest = Swift.max(channel.largest, value)
          let value = Double(value)
          sum += value
          squares += value * value
        }
        channel.mean = sum / Double(Swift.max(1, channel.count))
        channel.square = squares / Double(Swift.max(1, channel.count))
        channels.append(channel)
      }
    }
  }
}
