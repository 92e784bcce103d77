public import MaskedAutoencoders

/// Everything that decides what a pre-training run computes, except the data and the machine.
///
/// Field names are the paths of `--set` and of `recipe.yaml`; both print in the order of declaration.
public struct Recipe: Codable, Hashable, Sendable {
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
  public var data: Pipeline
  /// How weights follow gradients.
  public var optimizer: Optimizer
  /// How many images make a step.
  public var batch: Batch
  /// How long to train.
  public var budget: Budget
  /// The arithmetic of the network's matrix products.
  public var precision: Precision
  /// When to save, and how much to keep.
  public var checkpoints: Checkpoints
  /// When to report.
  public var monitor: Monitor

  /// Creates a recipe; what is left out has the value of the paper's Table 8 where it has one.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0, model: ModelConfiguration = .init(),
    masking: Masking = .init(), loss: Loss = .init(), data: Pipeline = .init(),
    optimizer: Optimizer = .init(), batch: Batch = .init(), budget: Budget = .init(),
    precision: Precision = .float32, checkpoints: Checkpoints = .init(), monitor: Monitor = .init()
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
    self.budget = budget
    self.precision = precision
    self.checkpoints = checkpoints
    self.monitor = monitor
  }
}

extension Recipe {
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

  /// AdamW and its rate (Table 8).
  public struct Optimizer: Codable, Hashable, Sendable {
    /// The rate for 256 images a step; the rate in use grows in proportion to the batch.
    public var baseRate: Double
    /// The rate at the end of the half-cosine; not scaled by the batch.
    public var minimumRate: Double
    /// Decay of the mean of gradients, β₁.
    public var beta1: Double
    /// Decay of the mean of squared gradients, β₂.
    public var beta2: Double
    /// Added to the root of the squared gradients, ε.
    public var epsilon: Double
    /// Decoupled weight decay, of all parameters but biases and norms.
    public var weightDecay: Double
    /// The largest norm of all gradients together; null leaves them as they are.
    public var clip: Double?

    /// Creates an optimizer.
    public init(
      baseRate: Double = 1.5e-4, minimumRate: Double = 0, beta1: Double = 0.9,
      beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.05,
      clip: Double? = nil
    ) {
      self.baseRate = baseRate
      self.minimumRate = minimumRate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
      self.clip = clip
    }
  }

  /// Images of a step.
  public struct Batch: Codable, Hashable, Sendable {
    /// Images of one pass through the network, in one process.
    public var size: Int
    /// Passes whose gradients are averaged before a step.
    public var accumulation: Int

    /// Creates a batch.
    public init(size: Int = 4096, accumulation: Int = 1) {
      self.size = size
      self.accumulation = accumulation
    }
  }

  /// The length of a run.
  public struct Budget: Codable, Hashable, Sendable {
    /// Passes over the data.
    public var epochs: Int
    /// Optimizer steps; overrides `epochs` where given.
    public var steps: Int?
    /// Epochs of linear warm-up; a fraction is allowed.
    public var warmupEpochs: Double

    /// Creates a budget.
    public init(epochs: Int = 800, steps: Int? = nil, warmupEpochs: Double = 40) {
      self.epochs = epochs
      self.steps = steps
      self.warmupEpochs = warmupEpochs
    }
  }

  /// The arithmetic of the network's matrix products; weights are float32 always.
  public enum Precision: String, Codable, Hashable, Sendable, CaseIterable {
    /// 32-bit floating point.
    case float32
    /// 16-bit with 8 bits of exponent, through autocast; faster only where the machine has it.
    case bfloat16
  }

  /// Saved states of a run; the last one is saved in any case.
  public struct Checkpoints: Codable, Hashable, Sendable {
    /// Epochs between two; null for none.
    public var everyEpochs: Int?
    /// Optimizer steps between two; null for none.
    public var everySteps: Int?
    /// How many to keep, the latest.
    public var keep: Int

    /// Creates a rhythm of saving.
    public init(everyEpochs: Int? = 20, everySteps: Int? = nil, keep: Int = 2) {
      self.everyEpochs = everyEpochs
      self.everySteps = everySteps
      self.keep = keep
    }
  }

  /// What is reported while a run lasts.
  public struct Monitor: Codable, Hashable, Sendable {
    /// Optimizer steps between two entries of the logs.
    public var everySteps: Int
    /// Epochs between two sheets of reconstructions; null for none.
    public var reconstructionsEveryEpochs: Int?
    /// Images on a sheet of reconstructions.
    public var images: Int

    /// Creates a rhythm of reports.
    public init(everySteps: Int = 50, reconstructionsEveryEpochs: Int? = 20, images: Int = 8) {
      self.everySteps = everySteps
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
