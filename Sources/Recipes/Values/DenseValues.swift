public import MaskedAutoencoders
public import RecipeSyntax
public import TorchOptim

// What recipes of segmentation and of detection have in common: they count in steps, and cut pictures
// and what is known of them by an augmentation of their own.

/// What is read, in which order, by how many threads: the fields of ``DataRecipe`` that have a part
/// where pictures are cut together with labels or objects.
public struct DenseDataRecipe: Codable, Hashable, Sendable {
  /// Which channels of the files are read, counted from 0; those of the encoder unless told otherwise.
  public var channels: DataRecipe.Channels
  /// How files of any number of channels are read and shown.
  public var raster: DataRecipe.Raster
  /// What is subtracted from channels, and what they are divided by.
  public var normalization: DataRecipe.Normalization
  /// Which samples of images with 16 bits a sample become black and white.
  public var valueRange: DataRecipe.ValueRange
  /// The order of an epoch's images.
  public var shuffle: DataRecipe.Shuffle
  /// Images that a buffered shuffle mixes at a time, also in a lane.
  public var shuffleBuffer: Int
  /// Parts that a set is cut into where the order is lanes.
  public var lanes: Int
  /// The part of the files that may turn out to be unreadable before the run stops.
  public var brokenLimit: Double
  /// Threads that decode; 0 for one per core.
  public var workers: Int
  /// Batches made ahead of the training step.
  public var prefetch: Int

  /// Creates a way from files to examples; the pixels are normalised as the encoder's unless told
  /// otherwise.
  public init(
    normalization: DataRecipe.Normalization = .inherited,
    valueRange: DataRecipe.ValueRange = .inherited, workers: Int = 0,
    channels: DataRecipe.Channels = .inherited, raster: DataRecipe.Raster = .init()
  ) {
    let usual = DataRecipe()
    self.channels = channels
    self.raster = raster
    self.normalization = normalization
    self.valueRange = valueRange
    shuffle = usual.shuffle
    shuffleBuffer = usual.shuffleBuffer
    lanes = usual.lanes
    brokenLimit = usual.brokenLimit
    self.workers = workers
    prefetch = usual.prefetch
  }

  /// The same with all fields, of which the others have no part.
  package var whole: DataRecipe {
    get {
      var all = DataRecipe(
        normalization: normalization, valueRange: valueRange, channels: channels, raster: raster)
      (all.shuffle, all.shuffleBuffer, all.lanes) = (shuffle, shuffleBuffer, lanes)
      (all.brokenLimit, all.workers, all.prefetch) = (brokenLimit, workers, prefetch)
      return all
    }
    set {
      (normalization, valueRange) = (newValue.normalization, newValue.valueRange)
      (channels, raster) = (newValue.channels, newValue.raster)
      (shuffle, shuffleBuffer, lanes) = (newValue.shuffle, newValue.shuffleBuffer, newValue.lanes)
      (brokenLimit, workers, prefetch) = (
        newValue.brokenLimit, newValue.workers, newValue.prefetch
      )
    }
  }

  /// Fields of `data` without a part, for messages.
  static let absent: [String] = [
    "crop", "scale", "ratio", "flip", "verticalFlip", "rotate90", "jitter", "interpolation",
    "repeats", "cache", "normalizeOnDevice",
  ]
}

/// The length of a run whose rise is counted in steps, see ``RateRecipe``.
public struct StepsRecipe: Codable, Hashable, Sendable {
  /// Passes over the data.
  public var epochs: Int
  /// Optimizer steps; overrides `epochs` where given.
  public var steps: Int?

  /// Creates a length.
  public init(epochs: Int, steps: Int? = nil) {
    self.epochs = epochs
    self.steps = steps
  }

  /// The same with a rise of no epochs.
  package var whole: ScheduleRecipe {
    get { ScheduleRecipe(epochs: epochs, steps: steps, warmupEpochs: 0) }
    set { (epochs, steps) = (newValue.epochs, newValue.steps) }
  }
}

/// What is reported while a run lasts.
public struct EvaluationLogging: Codable, Hashable, Sendable {
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

/// A recipe of segmentation or of detection.
public protocol DenseRecipe: TrainingRecipe {
  /// The network of a run from scratch; null takes the pre-trained one's.
  var model: ModelConfiguration? { get set }
  /// Side of the pictures that are learned from; null keeps the model's.
  var size: Int? { get set }
  /// How the learning rate rises and falls.
  var rate: RateRecipe { get set }
  /// When to report.
  var logging: EvaluationLogging { get set }
  /// What the kind is called in messages.
  static var kindName: String { get }
}

extension DenseRecipe {
  public var logEverySteps: Int { logging.everySteps }
  public var logsNorms: Bool { logging.norms }
  public var validateEveryEpochs: Int? { logging.evaluateEveryEpochs }
  public static var shorthands: [RecipeOverrides.Shorthand] { PretrainingRecipe.shorthands }

  public static var absentFields: [RecipeOverrides.AbsentField] {
    DenseDataRecipe.absent.map {
      .init(
        FieldPath("data." + $0),
        "has no part in \(kindName), where pictures are cut by augmentation; leave it out")
    } + [
      .init(
        "schedule.warmupEpochs",
        "has no part in \(kindName), whose rise is counted in steps; give rate.warmupSteps")
    ]
  }

  public static var emptyGroups: [RecipeOverrides.AbsentField] { [ScratchModel.advice] }

  /// The learning rate of every step.
  public func learningRates(stepsPerEpoch: Int) -> any LearningRateSchedule {
    rate.schedule(
      peak: peakLearningRate, minimum: optimizer.minimumLearningRate,
      total: totalSteps(stepsPerEpoch: stepsPerEpoch))
  }

  /// The recipe with what every dense kind takes from the complete recipe of a run.
  func completedInCommon(from run: Self) -> Self {
    var completed = self
    completed.data = data.completed(from: run.data)
    completed.model = model ?? run.model
    completed.size = size ?? run.size
    return completed
  }

  /// What is wrong with the values that every dense kind has.
  func checkCommon(_ checks: inout Validator) {
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    for (path, message) in model?.problems ?? [] {
      checks.require(false, FieldPath("model." + path), message)
    }
    if let size { checks.within(1...65_536, "size", size) }
    checks.pipeline(data, channels: model?.channels, readsRasters: true)
    checks.optimizer(optimizer)
    checks.lengths(batch, schedule, checkpoints)
    checks.within(0...1_000_000_000, "rate.warmupSteps", rate.warmupSteps)
    checks.within(0...1, "rate.warmupFactor", rate.warmupFactor)
    checks.require(
      rate.decay != .steps || optimizer.minimumLearningRate == 0, "optimizer.minimumLearningRate",
      "is \(optimizer.minimumLearningRate.short), and rate.decay is steps, which falls to a hundredth; "
        + "expected 0")
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.evaluateEveryEpochs", logging.evaluateEveryEpochs)
  }
}
