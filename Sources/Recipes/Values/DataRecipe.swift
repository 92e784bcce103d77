public import Imaging
import RecipeSyntax

/// How a file becomes the model's input (A.1; Table 1e).
///
/// The rows of Table 1e: "none" is `crop: center, flip: 0`; "crop, fixed size" `crop: random-fixed`;
/// "crop, random size" `crop: random-resized`; "crop + color jit" that with `jitter: 0.5`, of which
/// the paper does not state the strength. All but the first with `flip: 0.5`.
public struct DataRecipe: Codable, Hashable, Sendable {
  /// Which part of the picture is taken, and how.
  public var crop: CropMode
  /// Part of the picture's area that a random resized crop takes, smallest and largest.
  public var scale: ClosedRange<Double>
  /// Width over height of a random resized crop, smallest and largest.
  public var ratio: ClosedRange<Double>
  /// Probability of a horizontal flip.
  public var flip: Double
  /// Probability of a vertical flip.
  public var verticalFlip: Double
  /// Probability of a turn by 0°, 90°, 180° or 270°, each as likely.
  public var rotate90: Double
  /// Strength `s` of colour jitter, from 0 for none to 1: brightness, contrast and saturation by
  /// factors of `1 − 0.8 s` to `1 + 0.8 s`, the hue by up to `0.2 s` of the circle, as torchvision's
  /// `ColorJitter(0.8 s, 0.8 s, 0.8 s, 0.2 s)`; 0.5 is `ColorJitter(0.4, 0.4, 0.4, 0.1)`. Grayscale
  /// images have brightness and contrast only.
  public var jitter: Double
  /// How pictures are resampled.
  public var interpolation: ResamplingFilter
  /// Which channels of the files are read, counted from 0: `picture` for 8 bits of gray or colour, or
  /// `all` or a list of them as they are stored.
  public var channels: Channels
  /// How files of any number of channels are read and shown.
  public var raster: Raster
  /// What is subtracted from channels, and what they are divided by; in the files' units unless
  /// channels are those of pictures.
  public var normalization: Normalization
  /// Which samples of images with 16 bits a sample become black and white, for data that uses part of
  /// them, such as the 12 bits of a camera. Images of 8 bits stay what they are.
  public var valueRange: ValueRange
  /// The order of an epoch's images.
  public var shuffle: Shuffle
  /// Images that a buffered shuffle mixes at a time, also in a lane.
  public var shuffleBuffer: Int
  /// Parts that a set is cut into where the order is lanes, of which every batch has as many images
  /// each: a multiple of the processes.
  public var lanes: Int
  /// How often an image is shown in a row, each time cut differently (repeated augmentation); an
  /// epoch is then a part of the images.
  public var repeats: Int
  /// The part of the files that may turn out to be unreadable before the run stops.
  public var brokenLimit: Double
  /// Threads that decode; 0 for one per core.
  public var workers: Int
  /// Batches made ahead of the training step.
  public var prefetch: Int
  /// Memory for decoded images, which are then decoded once: gigabytes, 0 for none, or auto. JPEG
  /// files give slightly other pixels with a cache than without, the same for any size of it.
  public var cache: Cache
  /// Whether batches are bytes until they are on the device: a quarter of the memory and of what is
  /// moved, and the same numbers.
  public var normalizeOnDevice: Bool

  /// Creates a way from files to batches; what is left out is the paper's pre-training.
  public init(
    crop: CropMode = .randomResized, scale: ClosedRange<Double> = 0.2...1,
    ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3, flip: Double = 0.5, jitter: Double = 0,
    interpolation: ResamplingFilter = .bicubic, normalization: Normalization = .imageNet,
    valueRange: ValueRange = .full, shuffle: Shuffle = .exact, shuffleBuffer: Int = 4096,
    lanes: Int = 64,
    repeats: Int = 1,
    brokenLimit: Double = 0.01,
    workers: Int = 0, prefetch: Int = 4,
    cache: Cache = .gigabytes(0), normalizeOnDevice: Bool = false,
    verticalFlip: Double = 0, rotate90: Double = 0, channels: Channels = .picture,
    raster: Raster = Raster()
  ) {
    self.crop = crop
    self.scale = scale
    self.ratio = ratio
    self.flip = flip
    self.jitter = jitter
    self.interpolation = interpolation
    self.normalization = normalization
    self.valueRange = valueRange
    self.shuffle = shuffle
    self.shuffleBuffer = shuffleBuffer
    self.lanes = lanes
    self.repeats = repeats
    self.brokenLimit = brokenLimit
    self.workers = workers
    self.prefetch = prefetch
    self.cache = cache
    self.normalizeOnDevice = normalizeOnDevice
    self.verticalFlip = verticalFlip
    self.rotate90 = rotate90
    self.channels = channels
    self.raster = raster
  }
}

extension DataRecipe {
  /// The order in which an epoch shows the images.
  public enum Shuffle: String, Codable, Hashable, Sendable, CaseIterable {
    /// Any order, each as likely.
    case exact
    /// Shards in any order, each read from its beginning, and images mixed within a buffer: for
    /// sets that are slow to read at random.
    case buffered
    /// Each of many processes reads its own part of the set, the same in every epoch: for sets on
    /// servers that are larger than the cache of a host.
    case lanes
    /// The set's own order, over and over.
    case none
  }

  /// Memory for decoded images. In a recipe a number of gigabytes, or the word `auto`.
  public enum Cache: Hashable, Sendable {
    /// At most so many gigabytes (10⁹ bytes); 0 for none.
    case gigabytes(Double)
    /// As much as the set takes where that is at most half of the memory that is free, else none.
    case auto
  }

  /// What is subtracted from channels of 0...1, or of rasters in the files' units, and what they are divided by. In a recipe one of
  /// the words `imagenet`, `computed`, `inherited` and `none`, or `{mean: […], std: […]}`.
  public enum Normalization: Hashable, Sendable {
    /// Means and deviations of ImageNet's red, green and blue.
    case imageNet
    /// Those of the training set, measured before training.
    case computed
    /// Those that the encoder was pre-trained with; for classifiers.
    case inherited
    /// Pixels stay in 0...1.
    case none
    /// One mean and one deviation for each channel.
    case given(mean: [Double], std: [Double])
  }
}

extension DataRecipe.Normalization: Codable {
  private enum Keyword: String, Codable, CaseIterable {
    case imagenet, computed, inherited, none
  }

  private struct Statistics: Codable {
    var mean: [Double]
    var std: [Double]
  }

  /// Reads a word or a map.
  public init(from decoder: any Decoder) throws {
    if let keyword = try? Keyword(from: decoder) {
      self =
        switch keyword {
        case .imagenet: .imageNet
        case .computed: .computed
        case .inherited: .inherited
        case .none: .none
        }
    } else {
      let statistics = try Statistics(from: decoder)
      self = .given(mean: statistics.mean, std: statistics.std)
    }
  }

  /// Writes a word or a map.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .imageNet: try Keyword.imagenet.encode(to: encoder)
    case .computed: try Keyword.computed.encode(to: encoder)
    case .inherited: try Keyword.inherited.encode(to: encoder)
    case .none: try Keyword.none.encode(to: encoder)
    case .given(let mean, let std): try Statistics(mean: mean, std: std).encode(to: encoder)
    }
  }
}

extension DataRecipe.Normalization: StatesAllowedValues {
  package static var allowedValues: String {
    "imagenet, computed, inherited or none, or {mean: [one number a channel], std: [one number a channel]}"
  }
}

extension DataRecipe.Cache: Codable {
  private enum Keyword: String, Codable {
    case auto
  }

  /// Reads a number or the word.
  public init(from decoder: any Decoder) throws {
    if let number = try? Double(from: decoder) {
      self = .gigabytes(number)
    } else {
      _ = try Keyword(from: decoder)
      self = .auto
    }
  }

  /// Writes a number or the word.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .gigabytes(let number): try number.encode(to: encoder)
    case .auto: try Keyword.auto.encode(to: encoder)
    }
  }
}

extension DataRecipe.Cache: StatesAllowedValues {
  package static var allowedValues: String { "a number of gigabytes, 0 for none, or auto" }
}
