/// How a file of any number of channels becomes a model's input and, for people, a picture.
///
/// Channels are counted from 0, as NumPy counts them.
public struct RasterSettings: Codable, Hashable, Sendable {
  /// What the pages of a TIFF file are.
  public enum Pages: String, CaseIterable, Codable, Hashable, Sendable {
    /// Channels: those of the first page, then those of the second, and so on.
    case channels
    /// Of several pages the first is read.
    case first
  }

  /// Which axis of an array in an `.npy` file holds the channels.
  public enum ArrayLayout: String, CaseIterable, Codable, Hashable, Sendable {
    /// The first where it is shorter than the last, else the last.
    case automatic = "auto"
    /// `[C, H, W]`
    case channelsFirst = "channels-first"
    /// `[H, W, C]`
    case channelsLast = "channels-last"
  }

  /// What becomes of samples that are no finite number. Coded as one of the words `broken` and
  /// `mean`, or a number.
  public enum Missing: Hashable, Sendable {
    /// The file counts as broken.
    case broken
    /// The mean of their channel: 0 after normalisation.
    case mean
    /// A number, in the file's units.
    case value(Double)
  }

  /// Which number stands for missing values. Coded as one of the words `file` and `none`, or a number.
  public enum NoData: Hashable, Sendable {
    /// The one that a TIFF file names (GDAL's tag `GDAL_NODATA`, 42113), if it does.
    case file
    /// None, whatever a file names.
    case ignored
    /// This one, in the file's units, where a file names none itself.
    case value(Double)
  }

  /// The channels that are read and their order; nil for all in the file's.
  public var channels: [Int]?
  /// What the pages of a TIFF file are.
  public var pages: Pages
  /// Which axis of an array holds the channels.
  public var arrays: ArrayLayout
  /// What becomes of missing values.
  public var missing: Missing
  /// Which number stands for missing values in TIFF files, PNG files and arrays, beside those that are
  /// no finite number. It is compared as a float32.
  public var noData: NoData
  /// The channels that a picture shows: one, or three as red, green and blue; nil for the first three
  /// that are read, or the first.
  public var shown: [Int]?
  /// Percentiles of a shown channel's values that become black and white.
  public var percentiles: ClosedRange<Double>

  /// Creates settings; what is left out reads every channel as it is.
  public init(
    channels: [Int]? = nil, pages: Pages = .channels, arrays: ArrayLayout = .automatic,
    missing: Missing = .broken, shown: [Int]? = nil, percentiles: ClosedRange<Double> = 2...98,
    noData: NoData = .file
  ) {
    self.noData = noData
    self.channels = channels
    self.pages = pages
    self.arrays = arrays
    self.missing = missing
    self.shown = shown
    self.percentiles = percentiles
  }

  /// The places of ``shown`` among `count` channels that are read: one or three.
  func shownPlanes(of count: Int) -> [Int] {
    guard let shown else { return count >= 3 ? [0, 1, 2] : [0] }
    return shown.map { channel in
      (channels.map { $0.firstIndex(of: channel) ?? 0 } ?? channel).clamped(to: 0...count - 1)
    }
  }

  /// What is wrong with the values, each as the field and a sentence; empty when all is well.
  ///
  /// - Parameter count: Channels of the model; nil where it is not known.
  public func problems(modelChannels count: Int?) -> [(field: String, message: String)] {
    var found: [(field: String, message: String)] = []
    if let channels {
      if let wrong = channels.first(where: { $0 < 0 || $0 > 65_535 }) {
        found.append(("channels", "names channel \(wrong); expected numbers from 0 on"))
      }
      if channels.isEmpty {
        found.append(("channels", "is empty; expected all, or a number for each channel"))
      } else if let count, channels.count != count {
        found.append(
          (
            "channels",
            "has \(channels.count) number\(channels.count == 1 ? "" : "s"); expected one for each "
              + "channel of the model, \(count)"
          ))
      }
    }
    if let shown {
      if ![1, 3].contains(shown.count) {
        found.append(
          ("shown", "has \(shown.count) numbers; expected one, or three for red, green and blue"))
      }
      let known = channels ?? count.map { Array(0..<$0) }
      if let known, let wrong = shown.first(where: { !known.contains($0) }) {
        found.append(
          ("shown", "names channel \(wrong), which is not read; expected channels that are"))
      }
    }
    if case .value(let value) = missing, !value.isFinite {
      found.append(("missing", "is \(value); expected broken, mean or a finite number"))
    }
    if case .value(let value) = noData, !value.isFinite {
      found.append(
        ("noData", "is \(value); expected file, none or a finite number: NaN is missing anyway"))
    }
    let (low, high) = (percentiles.lowerBound, percentiles.upperBound)
    if low < 0 || high > 100 || low >= high {
      found.append(
        ("stretch", "is [\(low), \(high)]; expected two percentiles of 0 to 100, the smaller first")
      )
    }
    return found
  }
}

extension RasterSettings {
  private enum CodingKeys: String, CodingKey {
    case channels, pages, arrays, missing, noData, shown, percentiles
  }

  /// Reads settings; those that were written before ``noData`` was there take the file's.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      channels: try fields.decodeIfPresent([Int].self, forKey: .channels),
      pages: try fields.decode(Pages.self, forKey: .pages),
      arrays: try fields.decode(ArrayLayout.self, forKey: .arrays),
      missing: try fields.decode(Missing.self, forKey: .missing),
      shown: try fields.decodeIfPresent([Int].self, forKey: .shown),
      percentiles: try fields.decode(ClosedRange<Double>.self, forKey: .percentiles),
      noData: try fields.decodeIfPresent(NoData.self, forKey: .noData) ?? .file)
  }
}

extension RasterSettings.NoData: Codable {
  private enum Keyword: String, Codable {
    case file, none
  }

  /// Reads a word or a number.
  public init(from decoder: any Decoder) throws {
    if let number = try? Double(from: decoder) {
      self = .value(number)
    } else {
      self = try Keyword(from: decoder) == .file ? .file : .ignored
    }
  }

  /// Writes a word or a number.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .file: try Keyword.file.encode(to: encoder)
    case .ignored: try Keyword.none.encode(to: encoder)
    case .value(let number): try number.encode(to: encoder)
    }
  }
}

extension RasterSettings.Missing: Codable {
  private enum Keyword: String, Codable {
    case broken, mean
  }

  /// Reads a word or a number.
  public init(from decoder: any Decoder) throws {
    if let number = try? Double(from: decoder) {
      self = .value(number)
    } else {
      self = try Keyword(from: decoder) == .broken ? .broken : .mean
    }
  }

  /// Writes a word or a number.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .broken: try Keyword.broken.encode(to: encoder)
    case .mean: try Keyword.mean.encode(to: encoder)
    case .value(let number): try number.encode(to: encoder)
    }
  }
}

extension Int {
  fileprivate func clamped(to range: ClosedRange<Int>) -> Int {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
