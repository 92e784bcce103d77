public import Datasets
import Imaging
import MaskedAutoencoders
public import Torch
import TorchNN
import TorchOptim

/// One run of masked pre-training, from a recipe and a set of images to a run folder.
public final class Pretraining {
  /// What a recipe does not say: where, with what, how far this time.
  public struct Settings {
    /// The set as the user named it.
    public var data: String
    /// The run folder.
    public var out: String
    /// What to do with a folder that has something in it.
    public var opening: RunFolder.Opening
    /// Where tensors live.
    public var device: Device
    /// Ends this session, not the run, after so many steps of the run.
    public var stopAfter: Int?

    /// Creates settings.
    public init(
      data: String, out: String, opening: RunFolder.Opening = .new, device: Device = .cpu,
      stopAfter: Int? = nil
    ) {
      self.data = data
      self.out = out
      self.opening = opening
      self.device = device
      self.stopAfter = stopAfter
    }
  }

  /// The recipe with everything resolved: a normalisation that was to be computed is in numbers.
  public let recipe: Recipe
  /// The run's folder.
  public let folder: RunFolder
  /// The images.
  public let dataset: any ImageDataset
  /// Steps of one pass over the data.
  public let stepsPerEpoch: Int
  /// Steps of the whole run.
  public let totalSteps: Int
  /// Steps taken before this session.
  public let startingStep: Int
  /// Checkpoints that are not whole and were passed over.
  public let skippedCheckpoints: [FileError]
  /// What was noticed and does not keep the run from starting, each as a sentence.
  public let remarks: [String]

  /// Steps taken when ``run(observers:)`` has returned.
  public private(set) var finishedStep = 0

  private let settings: Settings
  private let task: PretrainingTask
  private let optimizer: AdamW

  /// Opens the data and the folder and makes the model; nothing is trained yet.
  ///
  /// A resumed run takes up its newest whole checkpoint; where there is none it starts anew.
  public init(_ recipe: Recipe, _ settings: Settings) throws {
    self.settings = settings
    try RunFolder.requireSameKind(at: settings.out, settings.opening, as: .pretraining)
    try RunFolder.requireApart(settings.out, settings.opening, images: [settings.data])
    dataset = try openDataset(at: settings.data)
    var resolved = recipe
    resolved.data = try recipe.data.resolvingNormalization(
      from: dataset, named: settings.data, channels: recipe.model.channels, seed: recipe.seed)
    let cache = try resolved.data.resolvingCache(for: dataset, resolved.transform)
    resolved.data = cache.pipeline
    self.recipe = resolved
    try resolved.requireMemoryForBatches()
    stepsPerEpoch = resolved.sampling.stepsPerEpoch(
      images: dataset.count, batch: resolved.batch.size)
    totalSteps = resolved.totalSteps(stepsPerEpoch: stepsPerEpoch)
    folder = try RunFolder(settings.out, settings.opening)
    let normalization = resolved.data.pixelNormalization(channels: recipe.model.channels)
    let description = ModelDescription(
      model: resolved.model, mean: normalization.mean, deviation: normalization.deviation,
      maskingRatio: resolved.masking.ratio)
    task = PretrainingTask(resolved, description: description, on: settings.device)
    optimizer = AdamW(
      ParameterGroup.decayingMatrices(
        of: task.store.trainable, weightDecay: resolved.optimizer.weightDecay),
      beta1: resolved.optimizer.beta1, beta2: resolved.optimizer.beta2,
      epsilon: resolved.optimizer.epsilon)
    var remarks = [cache.remark].compactMap(\.self)
    if dataset.count < resolved.effectiveBatch() {
      remarks.append(
        "a step takes \(resolved.effectiveBatch()) images and the set has \(dataset.count): "
          + "each is seen more than once a step; consider a smaller batch.size")
    }
    if totalSteps < 1000, resolved.peakRate() < 1e-4 {
      remarks.append(
        "\(totalSteps) steps at a rate of at most \(Readable.scientific(resolved.peakRate())) will "
          + "change little: the rate is optimizer.baseRate × effective batch / 256. For a small set "
          + "raise budget.epochs and optimizer.baseRate")
    }
    let (checkpoint, skipped) = folder.latestCheckpoint()
    skippedCheckpoints = skipped
    if settings.opening == .resume, let checkpoint {
      startingStep = try checkpoint.restore(
        task.store, optimizer, as: task.description, images: dataset.count,
        layout: dataset.layout.fingerprint(for: resolved.sampling), seed: resolved.seed)
    } else {
      startingStep = 0
    }
    let beginning = folder.remarkOnBeginning(settings.opening, at: startingStep)
    self.remarks = [beginning].compactMap(\.self) + remarks
    let header = ["The complete recipe of this run; mae pretrain --recipe takes it as it is."]
    try replaceFile(at: folder.recipePath) { (file) throws(FileError) in
      try file.write(resolved.yaml(header: header))
    }
    try JSONFile.write(description, to: folder.path + "/model.json")
    try RunOrigin.pretraining.write(to: folder.path)
  }

  /// The step that this session ends at.
  public var lastStep: Int { min(totalSteps, settings.stopAfter ?? totalSteps) }

  /// Images that one step learns from.
  public var effectiveBatch: Int { recipe.effectiveBatch() }
  /// Values that are trained.
  public var parameterCount: Int { task.store.trainableCount }
  /// The model's description.
  public var description: ModelDescription { task.description }
  /// Where tensors live.
  public var device: Device { settings.device }

  /// The model as it is now, for pictures.
  public func reconstruction() throws -> Reconstruction {
    try Reconstruction(task.model, task.description, on: settings.device)
  }

  /// Seconds that one step takes, roughly: measured on blank images, a few where a whole batch would
  /// take long. Nothing is changed by it.
  public func measuredStep() -> Double {
    let whole = recipe.batch.size
    let few = min(whole, 8)
    _ = secondsOfPass(images: few)  // warms up
    let estimate = secondsOfPass(images: few) * Double(whole) / Double(few)
    let pass = estimate < 2 && few < whole ? secondsOfPass(images: whole) : estimate
    return pass * Double(recipe.batch.accumulation)
  }

  /// Seconds of one forward and backward pass.
  private func secondsOfPass(images count: Int) -> Double {
    let model = recipe.model
    let images = Tensor.zeros([count, model.channels, model.height, model.width])
      .to(settings.device)
    let mask = recipe.masking.rule.mask(model.grid, batch: count, using: Generator(seed: 0))
    let start = ContinuousClock.now
    withAutocast(to: recipe.precision.type, on: settings.device) {
      task.model.loss(images, mask: mask.to(settings.device))
    }.backward()
    settings.device.synchronize()
    let time = seconds(since: start)
    task.store.clearGradients()
    return time
  }

  /// Trains to the end, or until a signal.
  ///
  /// - Returns: Images that could not be decoded.
  /// - Throws: ``Interruption``, ``RunFailure``, `DatasetError`, `FileError`.
  public func run(observers: [any TrainingObserver]) throws -> [BrokenImage] {
    let loader = BatchLoader(
      dataset, path: settings.data,
      transform: recipe.transform, output: recipe.data.output, batch: recipe.batch.size,
      sampling: recipe.sampling, seed: recipe.seed,
      startingAt: startingStep * recipe.batch.accumulation, workers: recipe.data.threads,
      prefetch: recipe.data.prefetch, cacheBytes: recipe.data.cacheBytes,
      brokenFraction: recipe.data.brokenLimit)
    defer { loader.stop() }
    let schedule = recipe.schedule(stepsPerEpoch: stepsPerEpoch)
    let plan = Trainer.Plan(
      totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch, rate: schedule.learningRate(at:),
      accumulation: recipe.batch.accumulation, clip: recipe.optimizer.clip,
      precision: recipe.precision.type, checkpointEvery: recipe.checkpoints.steps(stepsPerEpoch),
      keptCheckpoints: recipe.checkpoints.keep, stopAfter: settings.stopAfter, seed: recipe.seed)
    let trainer = Trainer(
      task, optimizer: optimizer, loader: loader, images: dataset.count,
      layout: dataset.layout.fingerprint(for: recipe.sampling), plan: plan,
      folder: folder, startingAt: startingStep, observers: observers)
    try trainer.run()
    finishedStep = trainer.step
    return loader.broken
  }
}
