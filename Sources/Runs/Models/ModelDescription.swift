public import ContrastiveLearning
public import DiscreteVAE
public import Imaging
public import MaskedAutoencoders
public import WeightExchange

/// What `model.json` says: with the weights beside it, enough to run a model.
public struct ModelDescription: Codable, Hashable, Sendable {
  /// The version of this file's layout.
  public var format: Int
  /// What kind of model the weights are of.
  public var kind: Kind
  /// Names, shapes and what they compute.
  public var model: ModelConfiguration
  /// Mean of each channel, subtracted from pixels in 0…1, or of rasters in the files' units.
  public var mean: [Double]
  /// Standard deviation of each channel, which pixels are divided by after that.
  public var std: [Double]
  /// How images are resized and cut, where published weights state it; nil for this library's rule.
  public var preprocessing: Preprocessing?
  /// Which samples of images with 16 bits a sample become black and white; nil keeps the upper 8 bits.
  public var valueRange: ClosedRange<Int>?
  /// How files of any number of channels are read and shown; nil for pictures of 8 bits.
  public var raster: RasterSettings?
  /// How patches were hidden in training.
  public var masking: Masking
  /// The head and the classes' names; only a classifier has them.
  public var classifier: Classifier?
  /// Decoder, classes and way to segment; only a segmenter has them.
  public var segmenter: SegmenterDescription?
  /// Heads, classes and way to detect; only a detector has them.
  public var detector: DetectorDescription?
  /// The heads after the encoder; only a contrastive model has them.
  public var contrastive: ContrastiveHeads?
  /// Shapes of an image tokenizer; only such a one has them.
  public var tokenizer: TokenizerConfiguration?

  /// A kind of model.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Encoder and decoder, as pre-trained.
    case maskedAutoencoder = "masked-autoencoder"
    /// Encoder and head.
    case classifier
    /// Encoder and decoder of a class for each pixel.
    case segmenter
    /// Encoder and heads of boxes and masks.
    case detector
    /// Encoder, momentum encoder and their heads, as pre-trained by contrast.
    case contrastive
    /// Encoder and decoder of a discrete VAE.
    case tokenizer
  }

  /// What a classifier has beyond its encoder.
  public typealias Classifier = ClassifierDescription

  /// Whether the decoder's weights are there; an encoder alone can embed but not reconstruct.
  public var hasDecoder: Bool { kind == .maskedAutoencoder && model.decoder != nil }

  /// Describes a masked autoencoder, or where the model has no decoder its encoder alone.
  public init(
    model: ModelConfiguration, mean: [Double], std: [Double],
    valueRange: ClosedRange<Int>? = nil, masking: Masking = .init(),
    raster: RasterSettings? = nil
  ) {
    format = 1
    self.raster = raster
    kind = .maskedAutoencoder
    self.model = model
    self.mean = mean
    self.std = std
    self.valueRange = valueRange
    self.masking = masking
  }

  /// Describes a classifier.
  public init(
    model: ModelConfiguration, classifier: Classifier, mean: [Double], std: [Double],
    valueRange: ClosedRange<Int>? = nil, masking: Masking = .init(),
    raster: RasterSettings? = nil
  ) {
    self.init(
      model: model, mean: mean, std: std, valueRange: valueRange, masking: masking, raster: raster)
    kind = .classifier
    self.classifier = classifier
  }

  /// Describes a segmenter.
  public init(
    model: ModelConfiguration, segmenter: SegmenterDescription, mean: [Double], std: [Double],
    valueRange: ClosedRange<Int>? = nil, raster: RasterSettings? = nil
  ) {
    self.init(model: model, mean: mean, std: std, valueRange: valueRange, raster: raster)
    kind = .segmenter
    self.segmenter = segmenter
  }

  /// Describes a detector.
  public init(
    model: ModelConfiguration, detector: DetectorDescription, mean: [Double], std: [Double],
    valueRange: ClosedRange<Int>? = nil, raster: RasterSettings? = nil
  ) {
    self.init(model: model, mean: mean, std: std, valueRange: valueRange, raster: raster)
    kind = .detector
    self.detector = detector
  }

  /// Describes a contrastive model.
  public init(
    model: ModelConfiguration, contrastive heads: ContrastiveHeads, mean: [Double], std: [Double],
    valueRange: ClosedRange<Int>? = nil
  ) {
    self.init(model: model, mean: mean, std: std, valueRange: valueRange)
    kind = .contrastive
    contrastive = heads
  }

  /// The encoder alone, without what it was trained with.
  package var encoderAlone: ModelDescription {
    var alone = self
    alone.kind = .maskedAutoencoder
    alone.model.decoder = nil
    (alone.classifier, alone.segmenter, alone.detector, alone.contrastive) = (nil, nil, nil, nil)
    return alone
  }

  /// Describes an image tokenizer, which takes pixels of 0…1. Of ``model`` only the images and the
  /// patches, which are its tokens', mean something: there is no transformer.
  public init(tokenizer: TokenizerConfiguration) {
    let model = ModelConfiguration(
      height: tokenizer.height, width: tokenizer.width, channels: tokenizer.channels,
      patch: tokenizer.stride, encoder: TransformerShape(width: 4, depth: 1, heads: 1),
      decoder: nil)
    let channels = tokenizer.channels
    self.init(
      model: model, mean: [Double](repeating: 0, count: channels),
      std: [Double](repeating: 1, count: channels))
    kind = .tokenizer
    self.tokenizer = tokenizer
  }

  /// How files are read as rasters: as the description says, or every channel where the model takes a
  /// number that no picture has; nil for pictures.
  public var usedRaster: RasterSettings? {
    raster ?? (model.channels == 1 || model.channels == 3 ? nil : RasterSettings())
  }

  /// What is wrong with the values, one sentence each; empty when all is well.
  package var problems: [String] {
    var found: [String] = []
    if format != 1 { found.append("format is \(format), expected 1") }
    if (kind == .classifier) != (classifier != nil) {
      found.append("kind is \(kind.rawValue), with which classifier is out of place or missing")
    }
    if (kind == .segmenter) != (segmenter != nil) {
      found.append("kind is \(kind.rawValue), with which segmenter is out of place or missing")
    }
    if (kind == .detector) != (detector != nil) {
      found.append("kind is \(kind.rawValue), with which detector is out of place or missing")
    }
    if (kind == .contrastive) != (contrastive != nil) {
      found.append("kind is \(kind.rawValue), with which contrastive is out of place or missing")
    }
    found += contrastive?.problems.map { "contrastive.\($0.path) \($0.message)" } ?? []
    if (kind == .tokenizer) != (tokenizer != nil) {
      found.append("kind is \(kind.rawValue), with which tokenizer is out of place or missing")
    }
    found += tokenizer?.problems.map { "tokenizer.\($0.path) \($0.message)" } ?? []
    if let detector {
      found += detector.problems(
        depth: model.encoder.depth, width: model.encoder.width, patch: model.patch)
    }
    if let segmenter {
      found += segmenter.problems(
        depth: model.encoder.depth, side: min(model.height, model.width))
    }
    if let classifier {
      found += classifier.head.problems.map { "classifier.head.\($0.path) \($0.message)" }
      if classifier.classNames.count != classifier.head.classes {
        found.append(
          "classifier.classNames has \(classifier.classNames.count) names, expected "
            + "\(classifier.head.classes)")
      }
    }
    found += model.problems.map { "model.\($0.path) \($0.message)" }
    for (name, values) in [("mean", mean), ("deviation", std)]
    where values.count != model.channels {
      found.append("\(name) has \(values.count) values, expected \(model.channels), one a channel")
    }
    if !std.allSatisfy({ $0 > 0 }) {
      found.append("deviation has a value that is not above 0")
    }
    found += preprocessing?.problems ?? []
    found += (raster?.problems(modelChannels: model.channels) ?? [])
      .map { "raster.\($0.field) \($0.message)" }
    if let range = valueRange,
      range.lowerBound < 0 || range.upperBound > 65535 || range.lowerBound == range.upperBound
    {
      found.append(
        "valueRange is [\(range.lowerBound), \(range.upperBound)], expected two numbers of 0 to 65535 "
          + "that differ")
    }
    // On no grid: a model of few patches can be used where none of them is hidden.
    found += masking.problems(on: nil).map { "masking.\($0.path) \($0.message)" }
    return found
  }
}

extension ModelDescription {
  private enum Key: String, CodingKey {
    case std = "deviation"
    case format, kind, model, hasDecoder, mean, preprocessing, valueRange, raster, masking
    case maskingRatio, classifier, segmenter, detector, contrastive, tokenizer
  }

  /// Reads a description. Older files have the ratio of random masking only, and of an encoder
  /// alone the shape of a decoder that is not there.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    format = try fields.decode(Int.self, forKey: .format)
    kind = try fields.decode(Kind.self, forKey: .kind)
    model = try fields.decode(ModelConfiguration.self, forKey: .model)
    mean = try fields.decode([Double].self, forKey: .mean)
    std = try fields.decode([Double].self, forKey: .std)
    preprocessing = try fields.decodeIfPresent(Preprocessing.self, forKey: .preprocessing)
    valueRange = try fields.decodeIfPresent(ClosedRange<Int>.self, forKey: .valueRange)
    raster = try fields.decodeIfPresent(RasterSettings.self, forKey: .raster)
    masking =
      try fields.decodeIfPresent(Masking.self, forKey: .masking)
      ?? .random(ratio: fields.decode(Double.self, forKey: .maskingRatio))
    classifier = try fields.decodeIfPresent(Classifier.self, forKey: .classifier)
    segmenter = try fields.decodeIfPresent(SegmenterDescription.self, forKey: .segmenter)
    detector = try fields.decodeIfPresent(DetectorDescription.self, forKey: .detector)
    contrastive = try fields.decodeIfPresent(ContrastiveHeads.self, forKey: .contrastive)
    tokenizer = try fields.decodeIfPresent(TokenizerConfiguration.self, forKey: .tokenizer)
    let hasDecoder = try fields.decode(Bool.self, forKey: .hasDecoder)
    if kind == .maskedAutoencoder, !hasDecoder { model.decoder = nil }
  }

  /// Writes a description, the ratio of hidden patches twice: older programs read `maskingRatio`.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(format, forKey: .format)
    try fields.encode(kind, forKey: .kind)
    try fields.encode(model, forKey: .model)
    try fields.encode(hasDecoder, forKey: .hasDecoder)
    try fields.encode(mean, forKey: .mean)
    try fields.encode(std, forKey: .std)
    try fields.encodeIfPresent(preprocessing, forKey: .preprocessing)
    try fields.encodeIfPresent(valueRange, forKey: .valueRange)
    try fields.encodeIfPresent(raster, forKey: .raster)
    try fields.encode(masking, forKey: .masking)
    try fields.encode(masking.ratio, forKey: .maskingRatio)
    try fields.encodeIfPresent(classifier, forKey: .classifier)
    try fields.encodeIfPresent(segmenter, forKey: .segmenter)
    try fields.encodeIfPresent(detector, forKey: .detector)
    try fields.encodeIfPresent(contrastive, forKey: .contrastive)
    try fields.encodeIfPresent(tokenizer, forKey: .tokenizer)
  }
}
