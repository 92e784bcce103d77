import Datasets
public import MaskedAutoencoders
import TorchOptim

/// Everything that decides how a classifier is trained, from a pre-trained encoder or from scratch,
/// except the weights it starts from, the data and the machine.
///
/// Field names are the paths of `--set` and of `recipe.yaml`; both print in the order of
/// declaration. Linear probing, partial fine-tuning, full fine-tuning and training from scratch are
/// values of this one type (He et al., 2022, Tables 9–11).
public struct FinetuningRecipe: TrainingRecipe {
  /// What the recipe is called, and found by.
  public var name: String
  /// Where it comes from and what to expect of it.
  public var note: String?
  /// Decides the head's first weights, order of images, augmentation and everything drawn.
  public var seed: UInt64
  /// The network of a run from scratch; null takes the pre-trained one's.
  public var model: ModelConfiguration?
  /// Side of the images the classifier sees; null keeps the model's.
  public var size: Int?
  /// What stands on the encoder.
  public var head: Head
  /// Blocks that are trained, counted from the last: a whole number, 0.5 for the last block's
  /// perceptron, 0 for the head alone; null for everything (§4.3).
  public var trainableBlocks: Double?
  /// Which labelled images are learned from.
  public var labels: Labels
  /// What keeps the classifier from learning its images by heart.
  public var regularization: Regularization
  /// How a file becomes the model's input.
  public var data: DataRecipe
  /// How weights follow gradients.
  public var optimizer: OptimizerRecipe
  /// The moving average of weights that is saved and validated in their place: the share a step
  /// keeps, such as 0.9999; null for none.
  public var ema: Double?
  /// How many images make a step.
  public var batch: BatchRecipe
  /// How long to train.
  public var schedule: ScheduleRecipe
  /// The arithmetic of the network's matrix products.
  public var precision: Precision
  /// What memory is saved by.
  public var memory: MemoryRecipe
  /// When to save, and how much to keep.
  public var checkpoints: CheckpointRecipe
  /// When to report.
  public var logging: Logging

  /// Creates a recipe; what is left out is the paper's Table 9.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0, model: ModelConfiguration? = nil,
    size: Int? = nil, head: Head = .init(), trainableBlocks: Double? = nil,
    labels: Labels = .init(),
    regularization: Regularization = .init(),
    data: DataRecipe = .init(
      scale: 0.08...1, normalization: .inherited, valueRange: .inherited, channels: .inherited),
    optimizer: OptimizerRecipe = .finetuning(),
    ema: Double? = nil, batch: BatchRecipe = .init(size: 1024),
    schedule: ScheduleRecipe = .init(epochs: 100, warmupEpochs: 5),
    precision: Precision = .float32, memory: MemoryRecipe = .init(),
    checkpoints: CheckpointRecipe = .init(keep: 1),
    logging: Logging = .init()
  ) {
    self.name = name
    self.note = note
    self.seed = seed
    self.model = model
    self.size = size
    self.head = head
    self.trainableBlocks = trainableBlocks
    self.labels = labels
    self.regularization = regularization
    self.data = data
    self.optimizer = optimizer
    self.ema = ema
    self.batch = batch
    self.schedule = schedule
    self.precision = precision
    self.memory = memory
    self.checkpoints = checkpoints
    self.logging = logging
  }
}

extension FinetuningRecipe {
  /// What stands on the encoder (A.1).
  public struct Head: Codable, Hashable, Sendable {
    /// How an image's tokens become one row.
    public var pooling: ClassifierHead.Pooling
    /// The standard deviation of the first weights.
    public var std: Double
    /// Whether rows pass through a batch normalisation without weights of its own.
    public var batchNorm: Bool

    /// Creates a head as the published code fine-tunes it.
    public init(
      pooling: ClassifierHead.Pooling = .normalizedMean, std: Double = 2e-5,
      batchNorm: Bool = false
    ) {
      self.pooling = pooling
      self.std = std
      self.batchNorm = batchNorm
    }
  }

  /// The part of the network that is trained (§4.3).
  public var trainedPart: TrainableBlocks {
    switch trainableBlocks {
    case nil: .all
    case 0.5?: .halfBlock
    case let count?: .lastBlocks(Int(count))
    }
  }

  /// The labelled images that are learned from; validation keeps all of its own.
  public struct Labels: Codable, Hashable, Sendable {
    /// The share of each class's images.
    public var fraction: Double
    /// Images of each class; null leaves it to `fraction`.
    public var perClass: Int?

    /// Takes all images unless told otherwise.
    public init(fraction: Double = 1, perClass: Int? = nil) {
      self.fraction = fraction
      self.perClass = perClass
    }
  }

  /// Regularisation (Table 9).
  public struct Regularization: Codable, Hashable, Sendable {
    /// Probability that the last block's branches are left out; earlier ones less.
    public var dropPath: Double
    /// The share of a target that is spread over all classes.
    public var labelSmoothing: Double
    /// α of mixup; 0 for none.
    public var mixup: Double
    /// α of CutMix; 0 for none.
    public var cutmix: Double
    /// The probability that mixing takes place.
    public var mixProbability: Double
    /// The probability of CutMix where both are on.
    public var switchProbability: Double
    /// What shares a draw of mixing.
    public var mixMode: MixMode
    /// RandAugment's magnitude, 0…10; null for none.
    public var randAugment: Double?
    /// The deviation of that magnitude from image to image.
    public var randAugmentNoise: Double
    /// The probability that a rectangle of an image is replaced by noise.
    public var erasing: Double

    /// Creates regularisation as in Table 9.
    public init(
      dropPath: Double = 0.1, labelSmoothing: Double = 0.1, mixup: Double = 0.8,
      cutmix: Double = 1, mixProbability: Double = 1, switchProbability: Double = 0.5,
      mixMode: MixMode = .batch, randAugment: Double? = 9, randAugmentNoise: Double = 0.5,
      erasing: Double = 0
    ) {
      self.dropPath = dropPath
      self.labelSmoothing = labelSmoothing
      self.mixup = mixup
      self.cutmix = cutmix
      self.mixProbability = mixProbability
      self.switchProbability = switchProbability
      self.mixMode = mixMode
      self.randAugment = randAugment
      self.randAugmentNoise = randAugmentNoise
      self.erasing = erasing
    }

    /// No regularisation at all.
    public static let none = Regularization(
      dropPath: 0, labelSmoothing: 0, mixup: 0, cutmix: 0, randAugment: nil)
  }

  /// What is reported while a run lasts.
  public struct Logging: Codable, Hashable, Sendable {
    /// Optimizer steps between two entries of the logs.
    public var everySteps: Int
    /// Whether the norms of gradient and parameters are logged.
    public var norms: Bool
    /// Epochs between two validations; null validates at the end only.
    public var evaluateEveryEpochs: Int?

    /// Creates a rhythm of reports.
    public init(everySteps: Int = 50, norms: Bool = false, evaluateEveryEpochs: Int? = nil) {
      self.everySteps = everySteps
      self.norms = norms
      self.evaluateEveryEpochs = evaluateEveryEpochs
    }
  }
}
