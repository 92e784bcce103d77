public import Imaging
package import MaskedAutoencoders
package import RecipeSyntax

extension DataRecipe {
  /// Which channels of the files are read, counted from 0. In a recipe one of the words `picture`,
  /// `all` and `inherited`, or a list of numbers.
  public enum Channels: Hashable, Sendable {
    /// Pictures of 8 bits: gray, or red, green and blue.
    case picture
    /// Every channel as it is stored.
    case all
    /// Those of the encoder's own training; for classifiers.
    case inherited
    /// These, as they are stored, in this order.
    case given([Int])
  }

  /// How files of any number of channels are read, and which of them pictures show; without effect
  /// on pictures of 8 bits.
  public struct Raster: Codable, Hashable, Sendable {
    /// What the pages of a TIFF file are.
    public var pages: RasterSettings.Pages
    /// Which axis of an array in an `.npy` file holds the channels.
    public var arrays: RasterSettings.ArrayLayout
    /// What becomes of values that are no numbers: `broken` files, their channel's `mean`, or a
    /// number.
    public var missing: RasterSettings.Missing
    /// Which number stands for missing values: the one that a TIFF `file` names (GDAL), `none`, or a
    /// number for files that name none.
    public var noData: RasterSettings.NoData
    /// The channels that pictures show as red, green and blue, or one as gray; null for the first
    /// three.
    public var shown: [Int]?
    /// Percentiles of a shown channel's values that become black and white.
    public var stretch: ClosedRange<Double>

    /// Creates a way of reading; what is left out is that of ``/Imaging/RasterSettings``.
    public init(
      pages: RasterSettings.Pages = .channels, arrays: RasterSettings.ArrayLayout = .automatic,
      missing: RasterSettings.Missing = .broken, shown: [Int]? = nil,
      stretch: ClosedRange<Double> = 2...98, noData: RasterSettings.NoData = .file
    ) {
      self.noData = noData
      self.pages = pages
      self.arrays = arrays
      self.missing = missing
      self.shown = shown
      self.stretch = stretch
    }

    init(_ settings: RasterSettings) {
      self.init(
        pages: settings.pages, arrays: settings.arrays, missing: settings.missing,
        shown: settings.shown, stretch: settings.percentiles, noData: settings.noData)
    }
  }

  /// How files are read as rasters; nil for pictures, also where there was nothing to inherit.
  public var rasterSettings: RasterSettings? {
    let chosen: [Int]?
    switch channels {
    case .picture, .inherited: return nil
    case .all: chosen = nil
    case .given(let list): chosen = list
    }
    return RasterSettings(
      channels: chosen, pages: raster.pages, arrays: raster.arrays, missing: raster.missing,
      shown: raster.shown, percentiles: raster.stretch, noData: raster.noData)
  }

  /// The recipe with channels and their reading that were to be inherited.
  ///
  /// - Parameter settings: Those of the encoder; nil where it was trained on pictures.
  package func inheritingChannels(_ settings: RasterSettings?) -> DataRecipe {
    guard channels == .inherited else { return self }
    var resolved = self
    guard let settings else {
      resolved.channels = .picture
      return resolved
    }
    resolved.channels = settings.channels.map { .given($0) } ?? .all
    if raster == Raster() { resolved.raster = Raster(settings) }
    return resolved
  }
}

extension Validator {
  /// What files of any number of channels become.
  mutating func raster(_ data: DataRecipe, channels: Int?, isRead: Bool) {
    guard let settings = data.rasterSettings else { return }
    guard isRead else {
      let words = settings.channels.map { "\($0)" } ?? "all"
      require(
        false, "data.channels",
        "is \(words), and this kind of training reads pictures of 8 bits; expected picture")
      return
    }
    for problem in settings.problems(modelChannels: channels) {
      let field: FieldPath =
        problem.field == "channels"
        ? "data.channels" : FieldPath("data.raster." + problem.field)
      require(false, field, problem.message)
    }
    require(
      data.jitter == 0, "data.jitter",
      "is \(data.jitter.short), and changes of colour are for pictures of 8 bits; expected 0 where "
        + "data.channels is not picture")
    require(
      data.normalization != .imageNet, "data.normalization",
      "is imagenet, of pictures from 0 to 1; expected computed, none or {mean: […], std: […]} in the files' "
        + "units where data.channels is not picture")
    require(
      [.full, .inherited].contains(data.valueRange), "data.valueRange",
      "is for pictures of 8 bits, and data.channels keeps all bits; leave it out")
    require(
      !data.normalizeOnDevice, "data.normalizeOnDevice",
      "moves pictures of 8 bits; expected false where data.channels is not picture")
  }

  /// Quarter turns keep the size of square images only.
  package mutating func turns(_ data: DataRecipe, of model: ModelConfiguration) {
    require(
      data.rotate90 == 0 || model.width == model.height, "data.rotate90",
      "is \(data.rotate90.short), and the model's images are not square; expected 0")
  }
}

extension DataRecipe.Channels: Codable {
  private enum Keyword: String, Codable {
    case picture, all, inherited
  }

  /// Reads a word or numbers.
  public init(from decoder: any Decoder) throws {
    if let keyword = try? Keyword(from: decoder) {
      self =
        switch keyword {
        case .picture: .picture
        case .all: .all
        case .inherited: .inherited
        }
    } else {
      self = .given(try [Int](from: decoder))
    }
  }

  /// Writes a word or numbers.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .picture: try Keyword.picture.encode(to: encoder)
    case .all: try Keyword.all.encode(to: encoder)
    case .inherited: try Keyword.inherited.encode(to: encoder)
    case .given(let list): try list.encode(to: encoder)
    }
  }
}

extension DataRecipe.Channels: StatesAllowedValues {
  package static var allowedValues: String {
    "picture, all or inherited, or a list of channels counted from 0, such as [3, 2, 1]"
  }
}

extension RasterSettings.NoData: StatesAllowedValues {
  package static var allowedValues: String { "file, none or a number" }
}

extension RasterSettings.Missing: StatesAllowedValues {
  package static var allowedValues: String { "broken, mean or a number" }
}
