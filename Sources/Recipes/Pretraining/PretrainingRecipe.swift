import Datasets
public import MaskedAutoencoders
internal import RecipeSyntax
import TorchOptim

/// Everything that decides what a pre-training run computes, except the data and the machine.
///
/// Field names are the paths of `--set` and of `recipe.yaml`; both print in the order of
/// declaration.
public struct PretrainingRecipe: Codable, Hashable, Sendable {
  /// What the recipe is called, and found by.
  public var name: String
  /// Where it comes from and what to expect of it.
  public var note: String?
  /// Decides initial weights, order of images, augmentation and masks.
  public var seed: UInt64
  /// The network.
  public var model: ModelConfiguration
  /// Which patches the encoder does not see (§3; Table 1f).
  public var masking: Masking
  /// What is minimised.
  public var loss: Loss
  /// How a file becomes the model's input.
  public var data: DataRecipe
  /// How weights follow gradients.
  public var optimizer: OptimizerRecipe
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

  /// Creates a recipe; what is left out has the value of the paper's Table 8 where it has one.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0, model: ModelConfiguration = .init(),
    masking: Masking = .init(), loss: Loss = .init(), data: DataRecipe = .init(),
    optimizer: OptimizerRecipe = .pretraining(), batch: BatchRecipe = .init(),
    schedule: ScheduleRecipe = .init(),
    precision: Precision = .float32, memory: MemoryRecipe = .init(),
    checkpoints: CheckpointRecipe = .init(),
    logging: Logging = .init()
  ) {
    self.name = name
    self.note = note
    self.seed = seed
    self.model = model
    self.masking = masking
    self.loss = loss
    self.data = data
    self.optimizer = optimizer
    self.batch = batch
    self.schedule = schedule
    self.precision = precision
    self.memory = memory
    self.checkpoints = checkpoints
    self.logging = logging
  }
}

extension PretrainingRecipe {
  /// What is minimised: the mean error of patches, by the criterion of the model's target.
  public struct Loss: Codable, Hashable, Sendable {
    /// The patches that count.
    public var region: Region

    /// Creates a loss; the paper's counts hidden patches only.
    public init(region: Region = .hidden) { self.region = region }

    /// Patches of an image.
    public enum Region: String, Codable, Hashable, Sendable, CaseIterable {
      /// Those the encoder does not see.
      case hidden
      /// Hidden and visible ones; costs about half a point (footnote 1).
      case all
    }
  }

  /// What is reported while a run lasts.
  public struct Logging: Codable, Hashable, Sendable {
    /// Optimizer steps between two entries of the logs.
    public var everySteps: Int
    /// Whether the norms of gradient and parameters are logged.
    public var norms: Bool
    /// Epochs between two sheets of reconstructions; null for none.
    public var reconstructionsEveryEpochs: Int?
    /// Images on a sheet of reconstructions.
    public var images: Int

    /// Creates a rhythm of reports.
    public init(
      everySteps: Int = 50, norms: Bool = false, reconstructionsEveryEpochs: Int? = 20,
      images: Int = 8
    ) {
      self.everySteps = everySteps
      self.norms = norms
      self.reconstructionsEveryEpochs = reconstructionsEveryEpochs
      self.images = images
    }
  }
}

extension Masking.Name: StatesAllowedNames {
  package static var allowedNames: [String] { MaskingStrategies.names }
}

extension ReconstructionTarget: StatesAllowedNames {
  package static var allowedNames: [String] { PatchTargets.names }
}

extension ReconstructionTarget.Name: StatesAllowedNames {
  package static var allowedNames: [String] { PatchTargets.names }
}
