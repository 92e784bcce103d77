import MaskedAutoencoders

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// How pixels of 0…1 are prepared for a model: `(x − mean) / deviation`, channel by channel.
public struct PixelStandard: Codable, Hashable, Sendable {
  /// Mean of each channel.
  public var mean: [Double]
  /// Standard deviation of each channel.
  public var std: [Double]

  /// Creates a standard.
  public init(mean: [Double], std: [Double]) {
    self.mean = mean
    self.std = std
  }

  /// Where Hugging Face's folders say it.
  static let fileName = "preprocessor_config.json"
  /// Where our own writer leaves it in a file's header.
  static let key = "pixels"

  private enum CodingKeys: String, CodingKey {
    case mean = "image_mean"
    case std = "image_std"
  }

  /// Whether there is one usable pair of numbers for each of so many channels.
  func fits(channels: Int) -> Bool {
    mean.count == channels && std.count == channels
      && mean.allSatisfy(\.isFinite) && std.allSatisfy { $0 > 0 && $0.isFinite }
  }

  /// The standard as JSON.
  var text: String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads ``text``; nil where it says nothing of use.
  init?(json: some Sequence<UInt8>, channels: Int) {
    guard let read = try? JSONDecoder().decode(Self.self, from: Data(json)),
      read.fits(channels: channels)
    else { return nil }
    self = read
  }
}
