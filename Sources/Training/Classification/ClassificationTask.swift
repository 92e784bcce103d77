public import DataParallel
public import Datasets
import Evaluation
import FileSystem
import Imaging
public import Inference
public import MaskedAutoencoders
import RecipeSyntax
public import Recipes
import Reports
public import Runs
public import Torch
public import TorchNN
public import TorchOptim

/// Training a classifier on an encoder or from scratch: labelled images in, cross-entropy out
/// (A.1). Linear probing, partial and full fine-tuning are recipes of it.
public final class ClassificationTask: TrainingTask {
  /// The classifier that learns.
  public let classifier: ImageClassifier
  public var recipe: FinetuningRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  /// The labelled images, those that are learned from and those that validate.
  public let labelled: LabelledSplits
  /// What the classifier did on the validation images when it was validated last.
  public private(set) var evaluation: EvaluationResult?
  private let inputs: ClassificationInputs
  private let mixing: MixupCutMix
  private let found: [String]

  /// Fewer steps than these leave the usual recipe's network about where it started.
  private static let fewSteps = 200

  public init(
    _ recipe: FinetuningRecipe, _ inputs: ClassificationInputs, on device: Device, isResumed: Bool
  ) throws {
    self.inputs = inputs
    labelled = try LabelledSplits(
      inputs.path, validation: inputs.validation, labels: recipe.labels, seed: recipe.seed)
    let source = try (inputs.model ?? inputs.like).map { try LoadedModel($0, hints: inputs.hints) }
    var warnings = labelled.warnings + (source?.readingNotes ?? []) + (source?.assumptions ?? [])
    var (recipe, description) = try Self.complete(
      recipe, from: source, labelled, inputs, isResumed: isResumed)
    let transform = recipe.transform(for: description.model)
    let cached = try recipe.data.resolvingCache(for: labelled.training, transform)
    recipe.data = cached.pipeline
    warnings += [cached.warning].compactMap(\.self)
    try recipe.data.requireMemory(forBatchesOf: recipe.batch.size, description.model)
    guard let head = description.classifier?.head else {
      preconditionFailure("a masked autoencoder has no classes to be trained for")
    }
    self.recipe = recipe
    self.description = description
    data = TrainingData(labelled.training, path: inputs.path, transform: transform)
    mixing = recipe.regularization.mixing
    store = ParameterStore(
      on: device,
      initializing: Generator(seed: recipe.seed, stream: RandomStream.weights, step: 0))
    classifier = ImageClassifier(
      description.model, head: head, std: recipe.head.std,
      recomputing: recipe.memory.recompute, in: store.root)
    classifier.train(only: recipe.trainedPart)
    if inputs.model != nil, let source {
      let initial = try InitialWeights(source, for: description)
      try initial.place(in: store, from: source.source)
      warnings += initial.warnings
    }
    found = warnings
  }

  public var operationsPerImage: Double? {
    ModelCost(
      classifying: description.model, classes: description.classifier?.head.classes ?? 1,
      training: recipe.trainedPart
    ).operations
  }

  public var parameterGroups: [ParameterGroup] {
    let depth = description.model.encoder.depth
    return ParameterGroup.layerwise(
      of: store.trainable, decay: recipe.optimizer.layerDecay, layers: depth + 1,
      weightDecay: recipe.optimizer.weightDecay, undecayed: ["pos_embed", "cls_token"]
    ) { layer(of: $0, depth: depth) }
  }

  // MARK: Loss

  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
    let (height, width) = (images.shape[2], images.shape[3])
    var random = SampleRandom(seed: recipe.seed ^ RandomStream.mixing << 32, sample: draw)
    // Drawn for the whole batch, whichever rows of it are here; their partners are here as well.
    let drawn = mixing.draw(
      batch: batch.share.total, height: height, width: width, using: &random)
    let mixes = batch.share.rows.map { drawn[$0] }
    let logits = classifier(
      MixupCutMix.mix(images, by: mixes), isTraining: true,
      dropping: dropPath(batch.share, draw: draw)
    ).to(.float32)
    let smoothing = recipe.regularization.labelSmoothing
    guard smoothing > 0 || mixes.contains(where: { $0 != .none }) else {
      return logits.crossEntropy(with: Tensor(batch.labels).sent(to: images.device))
    }
    let targets = MixupCutMix.targets(
      batch.labels, classes: classifier.shape.classes,
      shares: mixes.map { $0.share(height: height, width: width) }, smoothing: smoothing)
    return logits.crossEntropy(with: targets.sent(to: images.device))
  }

  /// What blocks leave out at one draw; drawn on the CPU, the same on every device.
  private func dropPath(_ share: BatchShare, draw: Int) -> DropPath? {
    let rate = recipe.regularization.dropPath
    guard rate > 0 else { return nil }
    return DropPath(
      rate: rate, from: recipe.trainedPart.firstBlock(depth: description.model.encoder.depth),
      batch: share.total, rows: share.rows,
      using: Generator(seed: recipe.seed, stream: RandomStream.dropPath, step: draw))
  }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let shape = description.model
    let images = Tensor.zeros([count, shape.channels, shape.height, shape.width]).to(store.device)
    // Not in training mode: running statistics stay as they are.
    return classifier(images).to(.float32)
      .crossEntropy(with: Tensor([Int](repeating: 0, count: count)).to(store.device))
  }

  // MARK: Validation and results

  public func validate() throws -> [Metric] { try validate(over: .single) }

  public func validate(over group: DataParallelGroup) throws -> [Metric] {
    var inference = BatchInference(
      LoadedModel(classifier, in: store, description, source: inputs.names.data),
      batch: min(256, recipe.batch.size), workers: recipe.data.threads,
      precision: recipe.precision.type)
    inference.parallelism = .operators
    inference.group = group
    inference.requiresFiniteResults = false  // a validation on the way does not end the training
    let result = try EvaluationResult(
      of: labelled.validation, named: inputs.validation ?? inputs.path, by: inference,
      matching: ClassMatching(same: labelled.classes),
      brokenLimit: BrokenLimit(
        recipe.data.brokenLimit, setting: "data.brokenLimit of the recipe"))
    evaluation = result
    func percent(_ name: String, _ share: Double) -> Metric {
      Metric(name, share, text: Self.percent(share))
    }
    return [
      percent("top1", result.tally.top1), percent("top5", result.tally.top5),
      percent("calibration_error", result.calibration.expectedError),
    ]
  }

  public func begin(in folder: RunFolder) throws {
    // Before the first checkpoint, which can be evaluated.
    try RunResults.update(folder.path) { $0.learned = labelled.learned }
  }

  public func conclude(_ outcome: RunOutcome) throws -> [String] {
    guard outcome.isFinished, let evaluation else { return [] }
    let result = result(of: evaluation, outcome)
    let out = outcome.folder.path
    try RunResults.update(out) { $0.ownClassifier = result }
    let top5 = result.classes > 5 ? ", top-5 \(Self.percent(result.top5))" : ""
    var lines = [
      "\(protocolName): top-1 \(Self.percent(result.top1))\(top5) of \(result.testImages) images, "
        + "learned from \(result.trainingImages) in \(Formatted.duration(outcome.seconds)); "
        + "calibration error \(Self.percent(result.calibrationError))",
      "Next: mae evaluate \(out) \(inputs.names.validation ?? inputs.names.data), "
        + "mae predict \(out) IMAGES",
    ]
    if let home = inputs.model ?? inputs.like {
      // The encoder's run tells of the result too.
      lines += try RunPage.record(in: home) { $0.trained[out] = result }
    }
    return lines
  }

  private func result(of evaluation: EvaluationResult, _ outcome: RunOutcome)
    -> RunResults.TrainedClassifier
  {
    var result = RunResults.TrainedClassifier(
      protocolName: protocolName, blocks: recipe.trainableBlocks,
      isFromScratch: inputs.isFromScratch, recipe: recipe.name, data: inputs.names.data,
      labelShare: Double(labelled.training.count) / Double(max(1, labelled.available)),
      epochs: outcome.epochs, top1: evaluation.tally.top1, top5: evaluation.tally.top5,
      calibrationError: evaluation.calibration.expectedError,
      trainingImages: labelled.training.count, testImages: evaluation.tally.total,
      classes: labelled.classes.count, parameters: store.trainableCount,
      seconds: outcome.seconds, encoder: description.model.encoder.words,
      training: .init(blocks: recipe.trainableBlocks, isFromScratch: inputs.isFromScratch),
      shape: description.model.encoder)
    result.compare(
      withPaperAs: RecipeBooks.classification.isEntry(recipe, ignoring: ["trainableBlocks"]))
    return result
  }

  // MARK: What is said

  private var protocolName: String { recipe.protocolName(isFromScratch: inputs.isFromScratch) }

  public var warnings: [String] {
    let totalSteps = recipe.totalSteps(stepsPerEpoch: data.stepsPerEpoch(recipe))
    guard totalSteps < Self.fewSteps, recipe.trainableBlocks == nil, recipe.schedule.steps == nil
    else { return found }
    return found + [
      "\(totalSteps) steps in all are few to learn in; --recipe finetune-few-labels is made for small "
        + "sets, and mae probe takes seconds"
    ]
  }

  public var summary: [SummaryLine] {
    let shape = description.model
    let share = Double(labelled.training.count) / Double(max(1, labelled.available))
    let part = share < 1 ? " (\(Self.percent(share)) of those there are)" : ""
    let all = store.entries.reduce(0) { $0 + $1.tensor.count }
    func millions(_ count: Int) -> String { Formatted.fixed(Double(count) / 1e6, 2) }
    return [
      SummaryLine(
        "data",
        "\(labelled.training.count) labelled images of \(inputs.names.data)\(part), "
          + "\(labelled.classes.count) classes; \(labelled.validation.count) images to validate on"),
      SummaryLine(
        "model",
        "\(protocolName): \(shape.height) × \(shape.width) × \(shape.channels), patch "
          + "\(shape.patch); encoder \(shape.encoder.words), \(recipe.head.pooling.rawValue); "
          + "\(millions(store.trainableCount)) of \(millions(all)) M parameters are trained"),
      SummaryLine(
        "forecast",
        StepMemory(recipe, shape, parameters: store.trainableCount, on: store.device)
          .sentence(on: store.device)),
    ]
  }

  private static func percent(_ share: Double) -> String { "\(Formatted.fixed(share * 100, 2)) %" }
}
