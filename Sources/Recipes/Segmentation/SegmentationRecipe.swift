public import Datasets
public import DenseHeads
public import Imaging
public import MaskedAutoencoders

/// Everything that decides how a segmenter is trained, from a pre-trained encoder or from scratch,
/// except the weights it starts from, the data and the machine (He et al., 2022, §5, Table 5).
///
/// Field names are the paths of `--set` and of `recipe.yaml`; both print in the order of
/// declaration.
public struct SegmentationRecipe: DenseRecipe {
  /// What the recipe is called, and found by.
  public var name: String
  /// Where it comes from and what to expect of it.
  public var note: String?
  /// Decides first weights, order of pictures, augmentation and everything drawn.
  public var seed: UInt64
  /// The network of a run from scratch; null takes the pre-trained one's.
  public var model: ModelConfiguration?
  /// Side of the pictures that are learned from; null keeps the model's.
  public var size: Int?
  /// What the encoder has beside the pre-trained one.
  public var backbone: Backbone
  /// What stands on the encoder.
  public var decoder: Decoder
  /// How far scores of pixels are off.
  public var loss: Loss
  /// Which labelled pictures are learned from, and what a label of 0 is.
  public var labels: Labels
  /// How pictures and their labels are changed at random.
  public var augmentation: Augmentation
  /// How pictures of any size are segmented.
  public var inference: Inference
  /// What is read, in which order, by how many threads: `data` in files. Pictures are cut by
  /// `augmentation`.
  public var reading: DenseDataRecipe
  /// How weights follow gradients.
  public var optimizer: OptimizerRecipe
  /// Which weights decay.
  public var decayedWeights: DecayedWeights
  /// How many pictures make a step.
  public var batch: BatchRecipe
  /// How long to train: `schedule` in files.
  public var length: StepsRecipe
  /// How the learning rate rises and falls.
  public var rate: RateRecipe
  /// The arithmetic of the network's matrix products.
  public var precision: Precision
  /// What memory is saved by.
  public var memory: MemoryRecipe
  /// When to save, and how much to keep.
  public var checkpoints: CheckpointRecipe
  /// When to report.
  public var logging: EvaluationLogging

  /// Creates a recipe; what is left out is that of `upernet-base`.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0, model: ModelConfiguration? = nil,
    size: Int? = 512, backbone: Backbone = .init(), decoder: Decoder = .init(),
    loss: Loss = .init(), labels: Labels = .init(), augmentation: Augmentation = .init(),
    inference: Inference = .init(),
    data: DenseDataRecipe = .init(),
    optimizer: OptimizerRecipe = OptimizerRecipe(baseLearningRate: 1.6e-3, layerDecay: 0.65),
    decayedWeights: DecayedWeights = .mmSegmentation, batch: BatchRecipe = .init(size: 16),
    schedule: StepsRecipe = .init(epochs: 127, steps: 160_000),
    rate: RateRecipe = .init(decay: .linear, warmupSteps: 1500, warmupFactor: 1e-6),
    precision: Precision = .float32, memory: MemoryRecipe = .init(),
    checkpoints: CheckpointRecipe = .init(everyEpochs: nil, everySteps: 8000, keep: 1),
    logging: EvaluationLogging = .init()
  ) {
    self.name = name
    self.note = note
    self.seed = seed
    self.model = model
    self.size = size
    self.backbone = backbone
    self.decoder = decoder
    self.loss = loss
    self.labels = labels
    self.augmentation = augmentation
    self.inference = inference
    reading = data
    self.optimizer = optimizer
    self.decayedWeights = decayedWeights
    self.batch = batch
    length = schedule
    self.rate = rate
    self.precision = precision
    self.memory = memory
    self.checkpoints = checkpoints
    self.logging = logging
  }
}

extension SegmentationRecipe {
  /// What the encoder has beside the pre-trained one.
  public struct Backbone: Codable, Hashable, Sendable {
    /// The blocks after which maps are taken, counted from 1; null for the published ones: 4, 6, 8
    /// and 12 of 12, else those that end quarters.
    public var taps: [Int]?
    /// What is added to attention by where patches lie to each other; zero at the start.
    public var relativePositions: BackboneShape.RelativePositions
    /// What each branch of a block is multiplied by at the start, trained; null for none.
    public var layerScale: Double?
    /// Probability that the last block's branches are left out; earlier ones less.
    public var dropPath: Double

    /// Creates the encoder's additions as published for segmentation.
    public init(
      taps: [Int]? = nil, relativePositions: BackboneShape.RelativePositions = .tables,
      layerScale: Double? = 1, dropPath: Double = 0.1
    ) {
      self.taps = taps
      self.relativePositions = relativePositions
      self.layerScale = layerScale
      self.dropPath = dropPath
    }
  }

  /// What stands on the encoder.
  public struct Decoder: Codable, Hashable, Sendable {
    /// upernet, pyramid or linear.
    public var kind: SegmenterShape.Decoder
    /// Channels; null for the encoder's width.
    public var channels: Int?
    /// Channels of a second head that only trains; null for none.
    public var auxiliaryChannels: Int?

    /// Creates a decoder: UperNet as published.
    public init(
      kind: SegmenterShape.Decoder = .upernet, channels: Int? = nil,
      auxiliaryChannels: Int? = 256
    ) {
      self.kind = kind
      self.channels = channels
      self.auxiliaryChannels = auxiliaryChannels
    }
  }

  /// How far scores of pixels are off.
  public struct Loss: Codable, Hashable, Sendable {
    /// The share of the auxiliary head's error.
    public var auxiliaryWeight: Double
    /// Whether the mean is over all pixels, those that are ignored too, as MMSegmentation takes it.
    public var countsIgnored: Bool

    /// Creates a loss.
    public init(auxiliaryWeight: Double = 0.4, countsIgnored: Bool = false) {
      self.auxiliaryWeight = auxiliaryWeight
      self.countsIgnored = countsIgnored
    }
  }

  /// The labelled pictures that are learned from; validation keeps all of its own.
  public struct Labels: Codable, Hashable, Sendable {
    /// The share of the labelled pictures. A smaller share is part of a larger one.
    public var fraction: Double
    /// What a label of 0 is: background, a class of its own, or ignored; null where the set says.
    public var zeroIs: ZeroLabel?

    /// Takes all pictures unless told otherwise.
    public init(fraction: Double = 1, zeroIs: ZeroLabel? = nil) {
      self.fraction = fraction
      self.zeroIs = zeroIs
    }
  }

  /// How pictures and their labels are changed at random. A picture is resized by a ratio of what
  /// fits into `longest` × `shortest`, and a square of `size` is cut out.
  public struct Augmentation: Codable, Hashable, Sendable {
    /// The longest side at a ratio of 1.
    public var longest: Int
    /// The shortest side at a ratio of 1.
    public var shortest: Int
    /// The smallest and the largest ratio.
    public var ratio: ClosedRange<Double>
    /// A square is drawn again, ten times at most, where one class has this share of its labelled
    /// pixels or more; 1 takes the first.
    public var maxClassShare: Double
    /// Probability of a horizontal flip.
    public var flip: Double
    /// Probability of a vertical flip.
    public var verticalFlip: Double
    /// Probability of a turn by 0°, 90°, 180° or 270°, each as likely.
    public var rotate90: Double
    /// Whether brightness, contrast, saturation and hue are changed.
    public var photometric: Bool

    /// Creates an augmentation: MMSegmentation's for ADE20K.
    public init(
      longest: Int = 2048, shortest: Int = 512, ratio: ClosedRange<Double> = 0.5...2,
      maxClassShare: Double = 0.75, flip: Double = 0.5, photometric: Bool = true,
      verticalFlip: Double = 0, rotate90: Double = 0
    ) {
      self.verticalFlip = verticalFlip
      self.rotate90 = rotate90
      self.longest = longest
      self.shortest = shortest
      self.ratio = ratio
      self.maxClassShare = maxClassShare
      self.flip = flip
      self.photometric = photometric
    }
  }

  /// How pictures of any size are segmented: resized to fit the augmentation's sides, in windows of
  /// the training's size, whose scores are averaged.
  public struct Inference: Codable, Hashable, Sendable {
    /// Whether pictures are resized first; if not, they are taken as they are.
    public var resizes: Bool
    /// From window to window in pixels; null for two thirds of a window.
    public var stride: Int?

    /// Creates a way to segment.
    public init(resizes: Bool = true, stride: Int? = nil) {
      self.resizes = resizes
      self.stride = stride
    }
  }
}

extension SegmentationRecipe {
  public static var kindName: String { "segmentation" }

  public var data: DataRecipe {
    get { reading.whole }
    set { reading.whole = newValue }
  }
  public var schedule: ScheduleRecipe {
    get { length.whole }
    set { length.whole = newValue }
  }

  private enum CodingKeys: String, CodingKey {
    case name, note, seed, model, size, backbone, decoder, loss, labels, augmentation, inference
    case reading = "data"
    case optimizer, decayedWeights, batch
    case length = "schedule"
    case rate, precision, memory, checkpoints, logging
  }

  /// This recipe, with what it leaves to be found out taken from the complete recipe of a run.
  public func completed(from run: SegmentationRecipe) -> SegmentationRecipe {
    var completed = completedInCommon(from: run)
    completed.labels.zeroIs = labels.zeroIs ?? run.labels.zeroIs
    return completed
  }

  /// How pictures and labels become examples of a size.
  public func augmentation(size: PixelSize) -> SegmentationAugmentation {
    SegmentationAugmentation(
      scale: PixelSize(width: augmentation.longest, height: augmentation.shortest),
      minRatio: augmentation.ratio.lowerBound, maxRatio: augmentation.ratio.upperBound,
      crop: size, maxClassShare: augmentation.maxClassShare, flip: augmentation.flip,
      photometric: augmentation.photometric ? PhotometricDistortion() : nil,
      turning: augmentation.verticalFlip > 0 || augmentation.rotate90 > 0
        ? RandomTurning(
          verticalFlip: augmentation.verticalFlip, rotate90: augmentation.rotate90) : nil)
  }

  /// The segmenter of a network for so many classes.
  public func shape(of model: ModelConfiguration, classes: Int) -> SegmenterShape {
    let depth = model.encoder.depth
    let published = BackboneShape.segmentation(depth: depth).taps
    return SegmenterShape(
      backbone: BackboneShape(
        taps: backbone.taps ?? (decoder.kind == .linear ? [depth] : published),
        relativePositions: backbone.relativePositions, layerScale: backbone.layerScale),
      decoder: decoder.kind, channels: decoder.channels ?? model.encoder.width,
      auxiliaryChannels: decoder.kind.hasPyramid ? decoder.auxiliaryChannels : nil,
      classes: classes)
  }
}
