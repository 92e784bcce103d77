public import MaskedAutoencoders
public import RecipeSyntax
public import Recipes

/// Everything that decides how an encoder learns to tell rotations apart (Gidaris et al., 2018,
/// arXiv:1803.07728), except the data and the machine.
public struct RotationRecipe: TrainingRecipe {
  public var name: String
  public var note: String?
  public var seed: UInt64 = 0
  /// The network, of which the encoder is trained.
  public var model: ModelConfiguration
  /// How many rotations are told apart: 4, or 2 for 0° and 180° (Table 2).
  public var rotations = 4
  public var data: DataRecipe
  public var optimizer: OptimizerRecipe
  public var batch: BatchRecipe
  public var schedule: ScheduleRecipe
  public var precision = Precision.float32
  public var checkpoints = CheckpointRecipe()
  public var logging = Logging()

  /// When to report.
  public struct Logging: Codable, Hashable, Sendable {
    /// Optimizer steps between two entries of the logs.
    public var everySteps = 50
    /// Epochs between two validations; null for one at the end only.
    public var validateEveryEpochs: Int? = 1
  }

  public var logEverySteps: Int { logging.everySteps }
  public var validateEveryEpochs: Int? { logging.validateEveryEpochs }
  public static var shorthands: [RecipeOverrides.Shorthand] { PretrainingRecipe.shorthands }

  public var problems: [FieldError] {
    var checks = Validator()
    for (path, message) in model.problems {
      checks.require(false, FieldPath("model." + path), message)
    }
    checks.require(
      model.width == model.height, "model.width",
      "is \(model.width) and model.height \(model.height); rotated images must be square")
    checks.require(
      [1, 3].contains(model.channels), "model.channels",
      "is \(model.channels); image files have 1 or 3")
    checks.require([2, 4].contains(rotations), "rotations", "is \(rotations); expected 2 or 4")
    checks.pipeline(data, channels: model.channels)
    checks.require(
      data.normalization != .inherited, "data.normalization",
      "is inherited, and there is no encoder to take it from; expected computed")
    checks.optimizer(optimizer)
    checks.require(
      optimizer.layerDecay == 1, "optimizer.layerDecay", "is not 1; layers learn at equal rates")
    checks.lengths(batch, schedule, checkpoints)
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.validateEveryEpochs", logging.validateEveryEpochs)
    return checks.found
  }
}

extension RecipeBooks {
  /// Recipes of rotation prediction.
  public static let rotation = RecipeBook<RotationRecipe>(
    commands: ["mae rotation"], purpose: "learning from rotations",
    entries: [
      .init(
        RotationRecipe(
          name: "rotation-small-images", note: "ViT-Tiny, 32 × 32, patch 4",
          model: ModelConfiguration(height: 32, width: 32, patch: 4, encoder: .tiny, decoder: nil),
          data: DataRecipe(normalization: .computed),
          optimizer: OptimizerRecipe(baseLearningRate: 5e-4), batch: BatchRecipe(size: 128),
          schedule: ScheduleRecipe(epochs: 100, warmupEpochs: 5)),
        summary: "ViT-Tiny, 32 × 32, patch 4, 100 epochs",
        header: [
          "Paper:    Gidaris et al. (2018), arXiv:1803.07728, with a Vision Transformer",
          "Accuracy: not published for these values",
          "Command:  mae rotation DATA --out RUN",
        ])
    ])
}
