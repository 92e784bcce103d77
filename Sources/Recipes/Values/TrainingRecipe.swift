public import RecipeSyntax
public import TorchOptim

/// What recipes of all kinds of training have in common, so that one `TrainingRun` can follow any
/// of them: data, optimizer, batch, schedule, checkpoints, and values that files and `--set`
/// override.
public protocol TrainingRecipe: Codable, Hashable, Sendable {
  /// What the recipe is called, and found by.
  var name: String { get set }
  /// Where it comes from and what to expect of it.
  var note: String? { get set }
  /// Decides initial weights, order of images, augmentation and everything else that is drawn.
  var seed: UInt64 { get set }
  /// How a file becomes the model's input.
  var data: DataRecipe { get set }
  /// How weights follow gradients.
  var optimizer: OptimizerRecipe { get set }
  /// The decay of the moving average of weights that is saved and validated in their place, such as
  /// 0.9999; nil for none.
  var ema: Double? { get set }
  /// How many images make a step.
  var batch: BatchRecipe { get set }
  /// How long to train.
  var schedule: ScheduleRecipe { get set }
  /// The arithmetic of the network's matrix products.
  var precision: Precision { get set }
  /// When to save, and how much to keep.
  var checkpoints: CheckpointRecipe { get set }
  /// Whether images of a batch are mixed with each other, row `i` with row `B − 1 − i`.
  var mixesImages: Bool { get }
  /// Optimizer steps between two entries of the logs.
  var logEverySteps: Int { get }
  /// Whether the norms of gradient and parameters are in the logs.
  var logsNorms: Bool { get }
  /// Epochs between two validations during training; nil for one at the end only.
  var validateEveryEpochs: Int? { get }
  /// Epochs between two sets of pictures during training; nil for none.
  var drawEveryEpochs: Int? { get }
  /// The learning rate of every step; an epoch has `stepsPerEpoch` optimizer steps.
  func learningRates(stepsPerEpoch: Int) -> any LearningRateSchedule
  /// Everything that is wrong with the values; empty when the recipe can be trained.
  var problems: [FieldError] { get }
  /// Words that may be given instead of a group of values.
  static var shorthands: [RecipeOverrides.Shorthand] { get }
  /// Fields that other kinds of training have and this one has not, and why: for messages.
  static var absentFields: [RecipeOverrides.AbsentField] { get }
  /// Groups that may be null, and what is said of a field in one that is: for messages.
  static var emptyGroups: [RecipeOverrides.AbsentField] { get }

  /// This recipe, with what it leaves to be found out taken from the complete recipe of a run.
  func completed(from run: Self) -> Self
}

extension TrainingRecipe {
  /// No moving average, for kinds of training without one.
  public var ema: Double? {
    get { nil }
    set {}
  }
  public var mixesImages: Bool { false }
  public var logsNorms: Bool { false }
  public var validateEveryEpochs: Int? { nil }
  public var drawEveryEpochs: Int? { nil }
  public static var shorthands: [RecipeOverrides.Shorthand] { [] }
  public static var absentFields: [RecipeOverrides.AbsentField] { [] }
  public static var emptyGroups: [RecipeOverrides.AbsentField] { [] }

  public func completed(from run: Self) -> Self {
    var completed = self
    completed.data = data.completed(from: run.data)
    return completed
  }
}

extension DataRecipe {
  /// This recipe, with a normalisation, a range of values and a size of the cache that are to be
  /// found out taken from a run that has found them out.
  func completed(from run: DataRecipe) -> DataRecipe {
    var completed = self
    if !normalization.isInNumbers { completed.normalization = run.normalization }
    if !valueRange.isInNumbers { completed.valueRange = run.valueRange }
    if cache == .auto { completed.cache = run.cache }
    if channels == .inherited {
      completed.channels = run.channels
      if raster == Raster() { completed.raster = run.raster }
    }
    return completed
  }
}

extension DataRecipe.Normalization {
  /// Whether nothing is left to be found out.
  var isInNumbers: Bool {
    switch self {
    case .imageNet, .none, .given: true
    case .computed, .inherited: false
    }
  }
}
