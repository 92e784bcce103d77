import Datasets
public import DenseHeads
public import MaskedAutoencoders

/// Everything that decides how a detector is trained, from a pre-trained encoder or from scratch,
/// except the weights it starts from, the data and the machine (He et al., 2022, §5, Table 4; Li et
/// al., 2021 and 2022).
///
/// Field names are the paths of `--set` and of `recipe.yaml`; both print in the order of
/// declaration.
public struct DetectionRecipe: DenseRecipe {
  /// What the recipe is called, and found by.
  public var name: String
  /// Where it comes from and what to expect of it.
  public var note: String?
  /// Decides first weights, order of pictures, augmentation and everything drawn.
  public var seed: UInt64
  /// The network of a run from scratch; null takes the pre-trained one's.
  public var model: ModelConfiguration?
  /// Side of the squares that the network sees, in training and afterwards; null keeps the model's.
  public var size: Int?
  /// What the encoder has beside the pre-trained one.
  public var backbone: Backbone
  /// What stands on the encoder.
  public var heads: Heads
  /// How boxes are drawn, thinned and scored.
  public var rules: DetectionRules
  /// Which labelled pictures are learned from.
  public var labels: Labels
  /// How pictures and their objects are changed at random.
  public var augmentation: Augmentation
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

  /// Creates a recipe; what is left out is that of `vitdet-base`.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0, model: ModelConfiguration? = nil,
    size: Int? = 1024, backbone: Backbone = .init(), heads: Heads = .init(),
    rules: DetectionRules = .init(), labels: Labels = .init(),
    augmentation: Augmentation = .init(), data: DenseDataRecipe = .init(),
    optimizer: OptimizerRecipe = OptimizerRecipe(
      baseLearningRate: 4e-4, layerDecay: 0.7, weightDecay: 0.1),
    decayedWeights: DecayedWeights = .vitDet, batch: BatchRecipe = .init(size: 64),
    schedule: StepsRecipe = .init(epochs: 100, steps: 184_375),
    rate: RateRecipe = .init(decay: .steps, warmupSteps: 250, warmupFactor: 0.001),
    precision: Precision = .float32, memory: MemoryRecipe = .init(),
    checkpoints: CheckpointRecipe = .init(everyEpochs: nil, everySteps: 5000, keep: 1),
    logging: EvaluationLogging = .init()
  ) {
    self.name = name
    self.note = note
    self.seed = seed
    self.model = model
    self.size = size
    self.backbone = backbone
    self.heads = heads
    self.rules = rules
    self.labels = labels
    self.augmentation = augmentation
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

extension DetectionRecipe {
  /// What the encoder has beside the pre-trained one.
  public struct Backbone: Codable, Hashable, Sendable {
    /// Side of the windows that attention stays in, in patches; null for attention over the whole
    /// picture in all blocks.
    public var window: Int?
    /// Blocks whose attention reaches over the whole picture all the same, counted from 1; null for
    /// the last of each quarter.
    public var globalBlocks: [Int]?
    /// What is added to attention by where patches lie to each other; zero at the start.
    public var relativePositions: BackboneShape.RelativePositions
    /// Probability that the last block's branches are left out; earlier ones less.
    public var dropPath: Double

    /// Creates the encoder's additions: ViTDet's unless told otherwise.
    public init(
      window: Int? = 14, globalBlocks: [Int]? = nil,
      relativePositions: BackboneShape.RelativePositions = .decomposed, dropPath: Double = 0.1
    ) {
      self.window = window
      self.globalBlocks = globalBlocks
      self.relativePositions = relativePositions
      self.dropPath = dropPath
    }
  }

  /// What stands on the encoder.
  public struct Heads: Codable, Hashable, Sendable {
    /// simple (ViTDet) or topDown (Table 4).
    public var pyramid: DetectorShape.Pyramid
    /// Channels of the pyramid and of the heads' convolutions.
    public var channels: Int
    /// Convolutions of the heads of boxes and masks.
    public var convolutions: Int
    /// Convolutions of the proposal network.
    public var proposalConvolutions: Int
    /// Values of the layer before the scores of boxes.
    public var hidden: Int
    /// The heads' norm: channel (ViTDet) or batch (Table 4).
    public var norm: NormedConv2d.Norm
    /// The share that a region and an object need to have in common in each of several box heads in a
    /// row, such as [0.5, 0.6, 0.7]; null for a single head, at one half.
    public var cascade: [Double]?
    /// Whether objects get masks; null where all of the set's have them.
    public var masks: Bool?
    /// Sides of square anchors in pixels, one for each of the five levels; null for eight cells of
    /// each: 32, 64, 128, 256 and 512 with patches of 16.
    public var anchorSizes: [Double]?

    /// Creates heads: ViTDet's unless told otherwise.
    public init(
      pyramid: DetectorShape.Pyramid = .simple, channels: Int = 256, convolutions: Int = 4,
      proposalConvolutions: Int = 2, hidden: Int = 1024, norm: NormedConv2d.Norm = .channel,
      cascade: [Double]? = nil, masks: Bool? = nil, anchorSizes: [Double]? = nil
    ) {
      self.pyramid = pyramid
      self.channels = channels
      self.convolutions = convolutions
      self.proposalConvolutions = proposalConvolutions
      self.hidden = hidden
      self.norm = norm
      self.cascade = cascade
      self.masks = masks
      self.anchorSizes = anchorSizes
    }
  }

  /// The labelled pictures that are learned from; validation keeps all of its own.
  public struct Labels: Codable, Hashable, Sendable {
    /// The share of the labelled pictures. A smaller share is part of a larger one.
    public var fraction: Double
    /// Whether pictures without objects are learned from, as background.
    public var keepsEmpty: Bool

    /// Takes all pictures with objects unless told otherwise.
    public init(fraction: Double = 1, keepsEmpty: Bool = false) {
      self.fraction = fraction
      self.keepsEmpty = keepsEmpty
    }
  }

  /// How pictures and their objects are changed at random: large-scale jitter. A picture is resized so
  /// that its longer side is a share of `size`, and a square of `size` is cut out or filled up.
  public struct Augmentation: Codable, Hashable, Sendable {
    /// The smallest and the largest share.
    public var scale: ClosedRange<Double>
    /// Probability of a horizontal flip.
    public var flip: Double
    /// What a picture is filled up with.
    public var padding: Padding

    /// What a picture is filled up with, at the right and below.
    public enum Padding: String, Codable, Hashable, Sendable, CaseIterable {
      /// Zeros after normalising, in which nothing is looked for: ViTDet.
      case zero
      /// Grey of 128, as a part of the picture: Table 4.
      case gray
    }

    /// Creates an augmentation: ViTDet's.
    public init(
      scale: ClosedRange<Double> = 0.1...2, flip: Double = 0.5, padding: Padding = .zero
    ) {
      self.scale = scale
      self.flip = flip
      self.padding = padding
    }
  }
}

extension DetectionRecipe {
  public static var kindName: String { "detection" }

  public var data: DataRecipe {
    get { reading.whole }
    set { reading.whole = newValue }
  }
  public var schedule: ScheduleRecipe {
    get { length.whole }
    set { length.whole = newValue }
  }

  private enum CodingKeys: String, CodingKey {
    case name, note, seed, model, size, backbone, heads, rules, labels, augmentation
    case reading = "data"
    case optimizer, decayedWeights, batch
    case length = "schedule"
    case rate, precision, memory, checkpoints, logging
  }

  /// This recipe, with what it leaves to be found out taken from the complete recipe of a run.
  public func completed(from run: DetectionRecipe) -> DetectionRecipe {
    var completed = completedInCommon(from: run)
    completed.heads.masks = heads.masks ?? run.heads.masks
    return completed
  }

  /// Whether positions are resized to the recipe's size once and trained at it, as Table 4's are;
  /// ViTDet's keep the pre-training's size and are interpolated at each pass.
  public var resizesPositions: Bool { heads.pyramid == .topDown }

  /// The detector of a network for so many classes.
  ///
  /// - Parameter side: Of the squares that it sees.
  public func shape(
    of model: ModelConfiguration, side: Int, classes: Int, hasMasks: Bool
  ) -> DetectorShape {
    let depth = model.encoder.depth
    let quarters = BackboneShape.quarters(of: depth)
    return DetectorShape(
      backbone: BackboneShape(
        taps: heads.pyramid == .simple ? [depth] : quarters, hasClassToken: false,
        window: backbone.window, globalBlocks: backbone.globalBlocks ?? quarters,
        relativePositions: backbone.relativePositions,
        relativeGrid: PatchGrid(rows: side / model.patch, columns: side / model.patch)),
      pyramid: heads.pyramid, channels: heads.channels, convolutions: heads.convolutions,
      proposalConvolutions: heads.proposalConvolutions, hidden: heads.hidden, norm: heads.norm,
      hasMasks: heads.masks ?? hasMasks,
      anchorSizes: heads.anchorSizes
        ?? DetectorShape.strides(patch: model.patch).map { 8 * $0 },
      cascade: heads.cascade, rules: rules, classes: classes)
  }
}
