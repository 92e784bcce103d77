public import Datasets
import Foundation
import Imaging
public import MaskedAutoencoders
public import Torch
import TorchNN
import TorchOptim

/// One run of training a classifier, from an encoder and labelled images to a run folder: linear
/// probing, partial and full fine-tuning, and training from scratch.
public final class Finetuning {
  /// What a recipe does not say: with what, where, how far this time.
  public struct Settings {
    /// The encoder's run folder, checkpoint or file; nil trains from scratch.
    public var model: String?
    /// What the shape is taken from in a run from scratch whose recipe has no model.
    public var like: String?
    /// What is known of the encoder and not written in its file.
    public var hints: ConfigurationHints
    /// The labelled set as the user named it.
    public var data: String
    /// The set to validate on; nil for the validation part of `data`.
    public var validation: String?
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
      model: String?, like: String? = nil, hints: ConfigurationHints = .init(), data: String,
      validation: String? = nil, out: String, opening: RunFolder.Opening = .new,
      device: Device = .cpu, stopAfter: Int? = nil
    ) {
      self.model = model
      self.like = like
      self.hints = hints
      self.data = data
      self.validation = validation
      self.out = out
      self.opening = opening
      self.device = device
      self.stopAfter = stopAfter
    }
  }

  /// The recipe with everything resolved.
  public let recipe: FinetuningRecipe
  /// The run's folder.
  public let folder: RunFolder
  /// The images.
  public let data: LabelledSplits
  /// The classifier's description.
  public var description: ModelDescription { task.description }
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
  /// Steps taken when ``run(observers:evaluated:)`` has returned.
  public private(set) var finishedStep = 0

  /// Fewer steps than these leave the usual recipe's network about where it started.
  private static let fewSteps = 200

  private let settings: Settings
  private let task: FinetuningTask
  private let optimizer: any Optimizer
  private let average: WeightAverage?

  /// Opens data, encoder and folder and makes the classifier; nothing is trained yet.
  ///
  /// A resumed run takes up its newest whole checkpoint; where there is none it starts anew.
  public init(_ recipe: FinetuningRecipe, _ settings: Settings) throws {
    self.settings = settings
    let origin = settings.model.map(RunOrigin.finetuning) ?? .scratch
    try RunFolder.requireSameKind(at: settings.out, settings.opening, as: origin)
    try RunFolder.requireApart(
      settings.out, settings.opening, models: [settings.model, settings.like].compactMap(\.self),
      images: [settings.data, settings.validation].compactMap(\.self))
    data = try LabelledSplits(
      settings.data, validation: settings.validation, labels: recipe.labels, seed: recipe.seed)
    var source: LoadedModel?
    if let path = settings.model ?? settings.like {
      source = try LoadedModel(path, hints: settings.hints)
    }
    var (resolved, description) = try Self.resolve(recipe, source, data, settings)
    let cache = try resolved.data.resolvingCache(
      for: data.training, Self.transform(resolved, description))
    resolved.data = cache.pipeline
    self.recipe = resolved
    try resolved.data.requireMemory(forBatchesOf: resolved.batch.size, description.model)
    let sampling = resolved.data.sampling(accumulation: resolved.batch.accumulation)
    stepsPerEpoch = sampling.stepsPerEpoch(
      images: data.training.count, batch: resolved.batch.size)
    totalSteps = resolved.totalSteps(stepsPerEpoch: stepsPerEpoch)
    task = FinetuningTask(resolved, description: description, on: settings.device)
    var remarks = data.warnings + (source?.assumptions ?? []) + [cache.remark].compactMap(\.self)
    if settings.model != nil, let source {
      let start = try StartingWeights(source, for: description)
      try start.place(in: task.store, from: source.source)
      remarks += start.remarks
    }
    optimizer = task.optimizer()
    let store = task.store
    average = resolved.average.map { WeightAverage(of: store, decay: $0) }
    folder = try RunFolder(settings.out, settings.opening)
    let (checkpoint, skipped) = folder.latestCheckpoint()
    skippedCheckpoints = skipped
    if settings.opening == .resume, let checkpoint {
      startingStep = try checkpoint.restore(
        task.store, optimizer, average: average, as: description, images: data.training.count,
        layout: data.training.layout.fingerprint(for: sampling), seed: resolved.seed)
    } else {
      startingStep = 0
    }
    if data.training.count < resolved.effectiveBatch() {
      remarks.append(
        "a step takes \(resolved.effectiveBatch()) images and there are \(data.training.count): each "
          + "is seen more than once a step; consider a smaller batch.size")
    }
    if totalSteps < Self.fewSteps, resolved.trained.blocks == nil, resolved.budget.steps == nil {
      remarks.append(
        "\(totalSteps) steps in all are few to learn in; --recipe finetune-few-labels is made for small "
          + "sets, and mae probe takes seconds")
    }
    if resolved.optimizer.minimumRate > resolved.peakRate() {
      remarks.append(
        "optimizer.minimumRate is above the peak rate, so the rate rises to the end; consider "
          + "optimizer.minimumRate=0")
    }
    let beginning = folder.remarkOnBeginning(settings.opening, at: startingStep)
    self.remarks = [beginning].compactMap(\.self) + remarks
    let header = ["The complete recipe of this run; mae finetune --recipe takes it as it is."]
    try replaceFile(at: folder.recipePath) { (file) throws(FileError) in
      try file.write(resolved.yaml(header: header))
    }
    try JSONFile.write(description, to: folder.path + "/model.json")
    try origin.write(to: folder.path)
  }

  /// The recipe with its model, size and normalisation in numbers, and the classifier they make.
  private static func resolve(
    _ recipe: FinetuningRecipe, _ source: LoadedModel?, _ data: LabelledSplits, _ settings: Settings
  ) throws -> (FinetuningRecipe, ModelDescription) {
    var recipe = recipe
    if recipe.model != nil, settings.model != nil {
      throw RunFailure(
        .recipe,
        "model is given by the recipe, and the encoder comes with its own; leave model null, or train "
          + "the recipe's with mae scratch")
    }
    if let wanted = recipe.model, let source, wanted != source.description.model,
      settings.opening != .resume
    {
      throw RunFailure(
        .recipe,
        "model is given by the recipe and differs from the one of \(source.source); leave model null, "
          + "or leave --like out")
    }
    guard var model = recipe.model ?? source?.description.model else {
      throw RunFailure(
        .recipe,
        "model is null: a run from scratch takes its shape from the recipe's model or from --like RUN"
      )
    }
    if let size = recipe.size { (model.height, model.width) = (size, size) }
    if let problem = model.problems.first {
      throw RunFailure(.recipe, "\(problem.path) \(problem.message)")
    }
    try model.requireDecodableChannels()
    if settings.model == nil, let blocks = recipe.trained.blocks {
      throw RunFailure(
        .recipe,
        "trained.blocks is \(ScalarText.written(blocks)), and a network from scratch learns as a "
          + "whole; leave it null")
    }
    if let blocks = recipe.trained.blocks, blocks > Double(model.encoder.depth) {
      throw RunFailure(
        .recipe,
        "trained.blocks is \(ScalarText.written(blocks)) and the encoder has \(model.encoder.depth); use "
          + "null to train everything")
    }
    if settings.model == nil { recipe.model = model }
    if recipe.data.normalization == .inherited {
      if let source, source.description.mean.count == model.channels {
        recipe.data.normalization = .given(
          mean: source.description.mean, std: source.description.deviation)
      } else {
        let customary = PixelStandard.customary(channels: model.channels).standard
        recipe.data.normalization = .given(mean: customary.mean, std: customary.deviation)
      }
    }
    var checks = Checks()
    checks.pipeline(recipe.data, channels: model.channels)
    guard checks.found.isEmpty else { throw RecipeErrors(checks.found) }
    recipe.data = try recipe.data.resolvingNormalization(
      from: data.training, named: settings.data, channels: model.channels, seed: recipe.seed)
    let normalization = recipe.data.pixelNormalization(channels: model.channels)
    let head = ClassifierHead(
      pooling: recipe.head.pooling, classes: data.classes.count,
      normalizesBatches: recipe.head.batchNorm)
    return (
      recipe,
      ModelDescription(
        model: model, classifier: .init(head: head, classNames: data.classes),
        mean: normalization.mean, deviation: normalization.deviation)
    )
  }

  /// The step that this session ends at.
  public var lastStep: Int { min(totalSteps, settings.stopAfter ?? totalSteps) }
  /// Values that are trained.
  public var trainedCount: Int { task.store.trainableCount }
  /// All values of the classifier.
  public var parameterCount: Int { task.store.entries.reduce(0) { $0 + $1.tensor.count } }
  /// Where tensors live.
  public var device: Device { settings.device }
  private var classifierShape: ClassifierHead { task.classifier.shape }

  /// How a picture becomes the model's input.
  private static func transform(
    _ recipe: FinetuningRecipe, _ description: ModelDescription
  ) -> ImageTransform {
    let model = description.model
    let normalization = recipe.data.pixelNormalization(channels: model.channels)
    return ImageTransform(
      recipe.augmentation(normalization: normalization),
      size: PixelSize(width: model.width, height: model.height), normalization: normalization)
  }

  /// Trains to the end, or until a signal, and evaluates the classifier on the validation set.
  ///
  /// - Parameter evaluated: Called with the evaluations on the way and at the end, and their step.
  /// - Returns: Images that could not be decoded.
  /// - Throws: ``Interruption``, ``RunFailure``, `DatasetError`, `FileError`.
  public func run(
    observers: [any TrainingObserver],
    evaluated: @escaping (EvaluationResult, _ step: Int) throws -> Void
  ) throws -> [BrokenImage] {
    let sampling = recipe.data.sampling(accumulation: recipe.batch.accumulation)
    let loader = BatchLoader(
      data.training, path: settings.data,
      transform: Self.transform(recipe, description),
      output: recipe.data.output, batch: recipe.batch.size,
      sampling: sampling, seed: recipe.seed,
      startingAt: startingStep * recipe.batch.accumulation, workers: recipe.data.threads,
      prefetch: recipe.data.prefetch, cacheBytes: recipe.data.cacheBytes,
      brokenFraction: recipe.data.brokenLimit)
    defer { loader.stop() }
    let plan = Trainer.Plan(
      totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch,
      rate: recipe.schedule(stepsPerEpoch: stepsPerEpoch).rate(at:),
      accumulation: recipe.batch.accumulation, clip: recipe.optimizer.clip,
      precision: recipe.precision.type, checkpointEvery: recipe.checkpoints.steps(stepsPerEpoch),
      keptCheckpoints: recipe.checkpoints.keep, stopAfter: settings.stopAfter, seed: recipe.seed)
    let validation = recipe.monitor.evaluateEveryEpochs.map { epochs in
      ValidationObserver(everySteps: epochs * stepsPerEpoch, before: totalSteps) { step in
        try evaluated(self.evaluate(), step)
      }
    }
    let trainer = Trainer(
      task, optimizer: optimizer, average: average, loader: loader,
      images: data.training.count, layout: data.training.layout.fingerprint(for: sampling),
      plan: plan, folder: folder, startingAt: startingStep,
      observers: observers + [validation].compactMap(\.self))
    try trainer.run()
    finishedStep = trainer.step
    if finishedStep == totalSteps { try evaluated(evaluate(), finishedStep) }
    return loader.broken
  }

  /// How the classifier does on the validation set as it is now, by the averaged weights where
  /// there are some.
  public func evaluate() throws -> EvaluationResult {
    func result() throws -> EvaluationResult {
      var inference = try BatchInference(
        LoadedModel(task.classifier, in: task.store, description, source: folder.path),
        batch: min(256, recipe.batch.size), workers: recipe.data.threads,
        precision: recipe.precision.type)
      inference.parallelism = .operators
      inference.requiresFiniteResults = false  // a validation on the way does not end the training
      return try EvaluationResult(
        of: data.validation, named: settings.validation ?? settings.data, by: inference,
        matching: ClassMatching(same: data.classes),
        brokenLimit: BrokenLimit(
          recipe.data.brokenLimit, setting: "data.brokenLimit of the recipe"))
    }
    return try average?.withAveragedWeights(result) ?? result()
  }

  /// Seconds that one step takes, roughly: measured on blank images, a few where a whole batch would
  /// take long. Nothing is changed by it.
  public func measuredStep() -> Double {
    let few = min(recipe.batch.size, 8)
    _ = secondsOfPass(images: few)  // warms up
    let estimate = secondsOfPass(images: few) * Double(recipe.batch.size) / Double(few)
    let pass =
      estimate < 2 && few < recipe.batch.size
      ? secondsOfPass(images: recipe.batch.size) : estimate
    return pass * Double(recipe.batch.accumulation)
  }

  private func secondsOfPass(images count: Int) -> Double {
    let model = description.model
    let images = Tensor.zeros([count, model.channels, model.height, model.width])
      .to(settings.device)
    let start = ContinuousClock.now
    withAutocast(to: recipe.precision.type, on: settings.device) {
      // Not in training mode: running statistics stay as they are.
      task.classifier(images).to(.float32)
        .crossEntropy(with: Tensor([Int](repeating: 0, count: count)).to(settings.device))
    }.backward()
    settings.device.synchronize()
    let time = seconds(since: start)
    task.store.clearGradients()
    return time
  }
}

extension FinetuningRecipe {
  /// The augmentation that the recipe describes.
  func augmentation(normalization: PixelNormalization) -> Augmentation {
    var augmentation = data.augmentation
    augmentation.randAugment = regularization.randAugment.map {
      RandAugment(
        magnitude: $0, noise: regularization.randAugmentNoise, filter: augmentation.filter)
    }
    if regularization.erasing > 0 {
      augmentation.erasing = RandomErasing(probability: regularization.erasing)
    }
    return augmentation
  }
}

/// Evaluates the classifier every so many steps of training.
private final class ValidationObserver: TrainingObserver {
  private let everySteps: Int
  private let totalSteps: Int
  private let evaluate: (Int) throws -> Void

  init(everySteps: Int, before totalSteps: Int, evaluate: @escaping (Int) throws -> Void) {
    self.everySteps = everySteps
    self.totalSteps = totalSteps
    self.evaluate = evaluate
  }

  func took(_ step: StepReport) throws {
    if step.step % everySteps == 0, step.step < totalSteps { try evaluate(step.step) }
  }

  func saved(_ checkpoint: Checkpoint, at step: Int) {}
}
