public import ContrastiveLearning
import Datasets
public import MaskedAutoencoders
public import RecipeSyntax
import TorchOptim

/// Everything that decides what a run of contrastive pre-training computes, except the data and the
/// machine: MoCo v3 (Chen, Xie and He, 2021, arXiv:2104.02057).
///
/// Field names are the paths of `--set` and of `recipe.yaml`; both print in the order of
/// declaration.
public struct ContrastiveRecipe: TrainingRecipe {
  /// What the recipe is called, and found by.
  public var name: String
  /// Where it comes from and what to expect of it.
  public var note: String?
  /// Decides initial weights, order of images and both views.
  public var seed: UInt64
  /// The network, of which the encoder is trained.
  public var model: ModelConfiguration
  /// The perceptrons between the encoder and what is compared.
  public var heads: ContrastiveHeads
  /// `τ`, by which cosines are divided.
  public var temperature: Double
  /// The share that the momentum encoder keeps of itself in the first step; it rises to 1 by half a
  /// cosine.
  public var momentum: Double
  /// Whether the projection of patches is trained (§4.2, which finds training steadier without).
  public var patchProjection: PatchProjection
  /// What is done to a view after crop and flip.
  public var augmentation: ViewAugmentation
  /// The colours of the two views, where `augmentation` is byol.
  public var colors: Colors
  /// How a file becomes the model's input; crop and flip of both views.
  public var data: DataRecipe
  /// How weights follow gradients.
  public var optimizer: OptimizerRecipe
  /// How many images make a step. Each is told from those of its own pass through the network, of
  /// all processes, so `batch.accumulation` does not replace `batch.size`.
  public var batch: BatchRecipe
  /// How long to train.
  public var schedule: ScheduleRecipe
  /// The arithmetic of the network's matrix products.
  public var precision: Precision
  /// When to save, and how much to keep.
  public var checkpoints: CheckpointRecipe
  /// When to report.
  public var logging: Logging

  /// Creates a recipe; what is left out has the paper's value.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0,
    model: ModelConfiguration = .init(decoder: nil), heads: ContrastiveHeads = .init(),
    temperature: Double = 0.2, momentum: Double = 0.99,
    patchProjection: PatchProjection = .frozen, augmentation: ViewAugmentation = .byol,
    colors: Colors = .init(), data: DataRecipe = .init(scale: 0.08...1),
    optimizer: OptimizerRecipe = .init(baseLearningRate: 1.5e-4, weightDecay: 0.1),
    batch: BatchRecipe = .init(), schedule: ScheduleRecipe = .init(epochs: 300, warmupEpochs: 40),
    precision: Precision = .float32, checkpoints: CheckpointRecipe = .init(),
    logging: Logging = .init()
  ) {
    self.name = name
    self.note = note
    self.seed = seed
    self.model = model
    self.heads = heads
    self.temperature = temperature
    self.momentum = momentum
    self.patchProjection = patchProjection
    self.augmentation = augmentation
    self.colors = colors
    self.data = data
    self.optimizer = optimizer
    self.batch = batch
    self.schedule = schedule
    self.precision = precision
    self.checkpoints = checkpoints
    self.logging = logging
  }
}

extension ContrastiveRecipe {
  /// What becomes of the weights that project patches.
  public enum PatchProjection: String, Codable, Hashable, Sendable, CaseIterable {
    /// They stay as they were drawn, the paper's choice.
    case frozen
    /// They are trained like all others.
    case trained
  }

  /// What is done to a view after crop and flip.
  public enum ViewAugmentation: String, Codable, Hashable, Sendable, CaseIterable {
    /// Colour jitter, grayscale, blur and solarisation as in BYOL (Grill et al., 2020, B), other in
    /// the second view than in the first.
    case byol
    /// Nothing: the views differ by crop and flip alone.
    case crop
  }

  /// The colours of the views; what is left out of a recipe is BYOL's (Grill et al., 2020, Table 6).
  public struct Colors: Codable, Hashable, Sendable {
    /// Strength of brightness, as torchvision's `ColorJitter` has it.
    public var brightness: Double
    /// Strength of contrast.
    public var contrast: Double
    /// Strength of saturation.
    public var saturation: Double
    /// Strength of hue, at most ½.
    public var hue: Double
    /// Probability of the four.
    public var jitterProbability: Double
    /// Probability that a view becomes gray.
    public var grayscale: Double
    /// Probabilities of a Gaussian blur, of the first view and of the second.
    public var blur: [Double]
    /// Probabilities of solarisation, of the first view and of the second.
    public var solarize: [Double]

    /// Creates colours.
    public init(
      brightness: Double = 0.4, contrast: Double = 0.4, saturation: Double = 0.2,
      hue: Double = 0.1, jitterProbability: Double = 0.8, grayscale: Double = 0.2,
      blur: [Double] = [1, 0.1], solarize: [Double] = [0, 0.2]
    ) {
      self.brightness = brightness
      self.contrast = contrast
      self.saturation = saturation
      self.hue = hue
      self.jitterProbability = jitterProbability
      self.grayscale = grayscale
      self.blur = blur
      self.solarize = solarize
    }
  }

  /// What is reported while a run lasts.
  public struct Logging: Codable, Hashable, Sendable {
    /// Optimizer steps between two entries of the logs.
    public var everySteps: Int
    /// Whether the norms of gradient and parameters are logged.
    public var norms: Bool

    /// Creates a rhythm of reports.
    public init(everySteps: Int = 50, norms: Bool = false) {
      self.everySteps = everySteps
      self.norms = norms
    }
  }

  public var logEverySteps: Int { logging.everySteps }
  public var logsNorms: Bool { logging.norms }
  public static var shorthands: [RecipeOverrides.Shorthand] { PretrainingRecipe.shorthands }
}
