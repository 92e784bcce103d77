public import DiscreteVAE
public import RecipeSyntax

/// Everything that decides how an image tokenizer is trained (Ramesh et al., 2021, §2.1 and A.2),
/// except the data and the machine.
public struct TokenizerRecipe: TrainingRecipe {
  public var name: String
  public var note: String?
  public var seed: UInt64
  /// The network.
  public var model: TokenizerConfiguration
  /// How tokens are drawn while training.
  public var relaxation: Relaxation
  /// What is minimised.
  public var loss: Loss
  public var data: DataRecipe
  public var optimizer: OptimizerRecipe
  public var ema: Double?
  public var batch: BatchRecipe
  public var schedule: ScheduleRecipe
  public var precision: Precision
  public var checkpoints: CheckpointRecipe
  /// When to report.
  public var logging: Logging

  /// The relaxation of samples of tokens (Gumbel-softmax), whose temperature falls with half a
  /// cosine.
  public struct Relaxation: Codable, Hashable, Sendable {
    /// The temperature at first.
    public var start: Double
    /// The temperature at last.
    public var end: Double
    /// The share of the run over which it falls.
    public var share: Double

    /// Creates a schedule; what is left out is the paper's, with a share of this run's own length.
    public init(start: Double = 1, end: Double = 1.0 / 16, share: Double = 0.9) {
      self.start = start
      self.end = end
      self.share = share
    }
  }

  /// What is minimised: minus the logarithm of the pixels' density plus a weight times the
  /// divergence of the tokens' distribution from the uniform one, both summed over an image and
  /// divided by its pixels and channels (A.2).
  public struct Loss: Codable, Hashable, Sendable {
    /// The divergence's weight at last, β; 6.6 in the paper.
    public var klWeight: Double
    /// The share of the run over which the weight rises from 0, with half a cosine.
    public var klShare: Double
    /// Added to the scale of each pixel's distribution; 0 as published. Images of many pixels that
    /// are exactly alike, such as a black ground, need some: 8 bits tell no finer than 0.03.
    public var minimumScale: Double

    /// Creates a loss; what is left out is the paper's.
    public init(klWeight: Double = 6.6, klShare: Double = 0.1, minimumScale: Double = 0) {
      self.klWeight = klWeight
      self.klShare = klShare
      self.minimumScale = minimumScale
    }
  }

  /// What is reported while a run lasts.
  public struct Logging: Codable, Hashable, Sendable {
    /// Optimizer steps between two entries of the logs.
    public var everySteps: Int
    /// Whether the norms of gradient and parameters are logged.
    public var norms: Bool
    /// Epochs between two validations; null for one at the end only.
    public var validateEveryEpochs: Int?
    /// Epochs between two sheets of reconstructions; null for none.
    public var reconstructionsEveryEpochs: Int?
    /// Images on a sheet.
    public var images: Int

    /// Creates a rhythm of reports.
    public init(
      everySteps: Int = 50, norms: Bool = false, validateEveryEpochs: Int? = 1,
      reconstructionsEveryEpochs: Int? = 1, images: Int = 8
    ) {
      self.everySteps = everySteps
      self.norms = norms
      self.validateEveryEpochs = validateEveryEpochs
      self.reconstructionsEveryEpochs = reconstructionsEveryEpochs
      self.images = images
    }
  }

  /// Creates a recipe; what is left out has the paper's value where it has one.
  public init(
    name: String, note: String? = nil, seed: UInt64 = 0, model: TokenizerConfiguration = .init(),
    relaxation: Relaxation = .init(), loss: Loss = .init(),
    data: DataRecipe = DataRecipe(normalization: .none),
    optimizer: OptimizerRecipe = OptimizerRecipe(
      baseLearningRate: 5e-5, minimumLearningRate: 1.25e-6, weightDecay: 1e-4),
    ema: Double? = nil, batch: BatchRecipe = .init(size: 512),
    schedule: ScheduleRecipe = .init(epochs: 100, warmupEpochs: 0),
    precision: Precision = .float32, checkpoints: CheckpointRecipe = .init(),
    logging: Logging = .init()
  ) {
    self.name = name
    self.note = note
    self.seed = seed
    self.model = model
    self.relaxation = relaxation
    self.loss = loss
    self.data = data
    self.optimizer = optimizer
    self.ema = ema
    self.batch = batch
    self.schedule = schedule
    self.precision = precision
    self.checkpoints = checkpoints
    self.logging = logging
  }
}

extension TokenizerRecipe {
  public var logEverySteps: Int { logging.everySteps }
  public var logsNorms: Bool { logging.norms }
  public var validateEveryEpochs: Int? { logging.validateEveryEpochs }
  public var drawEveryEpochs: Int? { logging.reconstructionsEveryEpochs }

  public var problems: [FieldError] {
    var checks = Validator()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    for (path, message) in model.problems {
      checks.require(false, FieldPath("model." + path), message)
    }
    checks.require(
      [1, 3].contains(model.channels) || !(1...65_536).contains(model.channels),
      "model.channels", "is \(model.channels); image files have 1 or 3")
    checks.above(0, "relaxation.start", relaxation.start)
    checks.above(0, "relaxation.end", relaxation.end)
    checks.within(0...1, "relaxation.share", relaxation.share)
    checks.atLeast(0, "loss.klWeight", loss.klWeight)
    checks.within(0...1, "loss.klShare", loss.klShare)
    checks.atLeast(0, "loss.minimumScale", loss.minimumScale)
    checks.pipeline(data, channels: model.channels)
    checks.require(
      data.normalization == .none, "data.normalization",
      "is another; a tokenizer takes pixels of 0 to 1, expected none")
    checks.require(
      data.valueRange != .inherited, "data.valueRange",
      "is inherited; only a classifier has an encoder to take it from. Expected full, computed or two "
        + "numbers")
    checks.optimizer(optimizer)
    checks.require(
      optimizer.layerDecay == 1, "optimizer.layerDecay",
      "is \(optimizer.layerDecay.short); layers learn at equal rates, expected 1")
    if let ema {
      checks.require(
        ema > 0 && ema < 1, "ema", "is \(ema.short); expected a number above 0 and below 1")
    }
    checks.lengths(batch, schedule, checkpoints)
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.validateEveryEpochs", logging.validateEveryEpochs)
    checks.rhythm("logging.reconstructionsEveryEpochs", logging.reconstructionsEveryEpochs)
    checks.within(1...1024, "logging.images", logging.images)
    return checks.found
  }

  /// The temperature of the relaxation after a share of the run, 0…1.
  package func temperature(after share: Double) -> Double {
    relaxation.end + (relaxation.start - relaxation.end) * (1 - risen(share, relaxation.share))
  }

  /// The divergence's weight after a share of the run, 0…1.
  package func klWeight(after share: Double) -> Double {
    loss.klWeight * risen(share, loss.klShare)
  }

  /// Half a cosine from 0 to 1 over a length.
  private func risen(_ share: Double, _ length: Double) -> Double {
    length > 0 ? (1 - cosine(.pi * min(1, share / length))) / 2 : 1
  }
}
