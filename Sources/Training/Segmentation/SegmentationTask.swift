public import DataParallel
public import Datasets
public import DenseHeads
import Evaluation
import FileSystem
import Imaging
public import Inference
import MaskedAutoencoders
import RecipeSyntax
public import Recipes
import Reports
public import Runs
public import Torch
public import TorchNN
public import TorchOptim
import WeightExchange

/// Training a segmenter on an encoder or from scratch: pictures with the class of every pixel in,
/// cross-entropy out (He et al., 2022, §5, Table 5).
public final class SegmentationTask: TrainingTask {
  public typealias Source = LabelMapLoader

  /// The segmenter that learns.
  public let segmenter: SemanticSegmenter
  public var recipe: SegmentationRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  /// What the segmenter did on the validation pictures when it was validated last.
  public private(set) var evaluation: SegmentationEvaluation?
  private let inputs: SegmentationInputs
  private let labelled: SegmentationData
  private let own: SegmenterDescription
  private let found: [String]
  private let loss: SegmentationLoss

  /// Pictures of the best and the worst results that a report shows.
  static let shownPictures = 4

  public init(
    _ recipe: SegmentationRecipe, _ inputs: SegmentationInputs, on device: Device, isResumed: Bool
  ) throws {
    self.inputs = inputs
    labelled = try SegmentationData(inputs, recipe.labels, seed: recipe.seed)
    let source = try SegmentationSource(inputs)
    var notes = labelled.notes + source.notes
    let model = try Self.model(recipe, source, inputs, isResumed: isResumed)
    var recipe = recipe
    if inputs.isFromScratch { recipe.model = model }
    recipe.size = model.height
    recipe.data = recipe.data.inheritingChannels(source.description?.usedRaster)
    var checks = Validator()
    checks.colours(recipe)
    guard checks.found.isEmpty else { throw RecipeErrors(checks.found) }
    recipe.data = try recipe.data.resolved(
      from: source.description, labelled.training, named: inputs.path, for: model,
      seed: recipe.seed)
    let numbering = labelled.training.numbering
    let shape = recipe.shape(of: model, classes: numbering.count)
    if let problem = shape.problems(depth: model.encoder.depth).first {
      throw RunFailure(.recipe, "\(problem.path) \(problem.message)")
    }
    let pixels = recipe.data.pixelNormalization(channels: model.channels)
    own = SegmenterDescription(
      shape: shape, numbering: numbering,
      fitting: recipe.inference.resizes
        ? .init(longest: recipe.augmentation.longest, shortest: recipe.augmentation.shortest) : nil,
      stride: recipe.inference.stride ?? max(1, model.height * 2 / 3))
    description = ModelDescription(
      model: model, segmenter: own, mean: pixels.mean, std: pixels.std,
      valueRange: recipe.data.valueRange.range, raster: recipe.data.rasterSettings)
    if let problem = description.problems.first { throw RunFailure(.recipe, problem) }
    let size = PixelSize(width: model.width, height: model.height)
    data = TrainingData(
      labelled.training, path: inputs.path,
      transform: ImageTransform(
        recipe.data.augmentation, size: size, normalization: pixels,
        valueRange: recipe.data.valueRange.range, raster: recipe.data.rasterSettings))
    store = ParameterStore(
      on: device,
      initializing: Generator(seed: recipe.seed, stream: RandomStream.weights, step: 0))
    segmenter = SemanticSegmenter(model, shape, in: store.root)
    if let weights = try source.weights(for: description, in: store) {
      notes += weights.notes
      notes += [try weights.place(in: store, from: source.name)].compactMap(\.self)
    }
    loss = SegmentationLoss(
      auxiliaryWeight: recipe.loss.auxiliaryWeight, countsIgnored: recipe.loss.countsIgnored)
    self.recipe = recipe
    found = notes
  }

  public var parameterGroups: [ParameterGroup] {
    ParameterGroup.dense(
      of: store, encoder: "", depth: description.model.encoder.depth, recipe.optimizer,
      recipe.decayedWeights)
  }

  public func batches(startingAt batch: Int, rank: DataParallelRank) -> LabelMapLoader {
    LabelMapLoader(
      labelled.training, path: inputs.path,
      augmentation: recipe.augmentation(size: data.transform.size),
      normalization: data.transform.normalization, valueRange: data.transform.valueRange,
      raster: data.transform.raster, batch: recipe.batch.size,
      sampling: recipe.data.sampling(recipe.batch), seed: recipe.seed, startingAt: batch,
      rank: rank, workers: recipe.data.threads, prefetch: recipe.data.prefetch,
      brokenFraction: recipe.data.brokenLimit)
  }

  // MARK: Loss

  public func loss(_ images: Tensor, of batch: LabelledBatch, draw: Int) -> Tensor {
    loss(
      images, batch.labels(on: images.device), training: training(batch.share, draw: draw))
  }

  private func loss(_ images: Tensor, _ labels: Tensor, training: DenseTraining) -> Tensor {
    loss.total(segmenter.scores(of: images, training: training), labels).total
  }

  /// What is done in training only, drawn for a whole batch on the CPU, the same on every device and
  /// for any number of processes.
  private func training(_ share: BatchShare, draw: Int) -> DenseTraining {
    let rate = recipe.backbone.dropPath
    return DenseTraining(
      paths: rate > 0
        ? DropPath(
          rate: rate, batch: share.total, rows: share.rows,
          using: Generator(seed: recipe.seed, stream: RandomStream.dropPath, step: draw)) : nil,
      dropout: ChannelDropout(
        batch: share.total, rows: share.rows,
        using: Generator(seed: recipe.seed, stream: RandomStream.dropout, step: draw)),
      recomputes: recipe.memory.recompute)
  }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let shape = description.model
    let images = Tensor.zeros([count, shape.channels, shape.height, shape.width]).to(store.device)
    let labels = Tensor.zeros([count, shape.height, shape.width], dtype: .int64).to(store.device)
    // In evaluation mode running statistics stay as they are; the work is about the same.
    return loss(segmenter.scores(of: images, training: nil).scores, labels)
  }

  // MARK: Validation and results

  /// The segmenter as it is now, for use.
  var loaded: LoadedSegmenter {
    var loaded = LoadedSegmenter(
      segmenter, in: store, description, own, source: inputs.names.data)
    loaded.precision = recipe.precision.type
    return loaded
  }

  public func validate() throws -> [Metric] { try validate(over: .single) }

  public func validate(over group: DataParallelGroup) throws -> [Metric] {
    let result = try SegmentationEvaluation(
      of: labelled.validation, named: inputs.names.validation ?? inputs.names.data, by: loaded,
      brokenLimit: BrokenLimit(
        recipe.data.brokenLimit, setting: "data.brokenLimit of the recipe"),
      over: group,
      requiresFiniteResults: false)
    evaluation = result
    func metric(_ name: String, _ share: Double) -> Metric {
      Metric(name, share, text: Self.percent(share))
    }
    return [
      metric("mean_iou", result.scores.meanIntersectionOverUnion),
      metric("mean_accuracy", result.scores.meanClassAccuracy),
      metric("pixel_accuracy", result.scores.accuracy),
    ]
  }

  public func conclude(_ outcome: RunOutcome) throws -> [String] {
    guard outcome.isFinished, let evaluation else { return [] }
    let out = outcome.folder.path
    let result = RunResults.Segmentation(
      evaluation, model: loaded.source, data: inputs.names.data,
      training: .init(
        pictures: labelled.training.count, available: labelled.available,
        isFromScratch: inputs.isFromScratch, recipe: recipe.name, steps: outcome.steps,
        epochs: outcome.epochs, seconds: outcome.seconds, parameters: store.trainableCount,
        encoder: description.model.encoder.words))
    try RunResults.update(out) { $0.segmentation = result }
    var lines = [
      "\(recipe.name): mIoU \(Self.percent(result.meanIoU)), pixel accuracy "
        + "\(Self.percent(result.pixelAccuracy)) of \(result.pictures) pictures, learned from "
        + "\(labelled.training.count) in \(Formatted.duration(outcome.seconds))"
    ]
    lines += try SegmentationPictures(evaluation, of: labelled.validation, by: loaded)
      .write(to: out, count: Self.shownPictures)
    lines.append(
      "Next: mae segment evaluate \(out) \(inputs.names.validation ?? inputs.names.data), "
        + "mae segment predict \(out) IMAGES --out labels/")
    return lines
  }

  // MARK: What is said

  public var warnings: [String] { found }

  public var summary: [SummaryLine] {
    let model = description.model
    let share = Double(labelled.training.count) / Double(max(1, labelled.available))
    let part = share < 1 ? " (\(Self.percent(share)) of those there are)" : ""
    let rates = parameterGroups.map(\.learningRateScale)
    let (first, last) = (rates.min() ?? 1, rates.max() ?? 1)
    func million(_ count: Int) -> String { Formatted.fixed(Double(count) / 1e6, 2) }
    return [
      SummaryLine(
        "data",
        "\(labelled.training.count) pictures with labels of \(inputs.names.data)\(part), "
          + "\(own.shape.classes) classes; \(labelled.validation.count) pictures to validate on"),
      SummaryLine(
        "model",
        "\(inputs.isFromScratch ? "from scratch" : "fine-tuned"): \(model.height) × \(model.width) × "
          + "\(model.channels), patch \(model.patch); encoder \(model.encoder.words), maps after blocks "
          + "\(own.shape.backbone.taps.map { "\($0)" }.joined(separator: ", ")); "
          + "\(own.shape.decoder.rawValue) decoder; \(million(store.trainableCount)) M parameters"),
      SummaryLine(
        "rates",
        "\(Formatted.scientific(recipe.peakLearningRate * first)) at the embedding to "
          + "\(Formatted.scientific(recipe.peakLearningRate * last)) at the decoder"),
      SummaryLine(
        "forecast",
        StepMemory(model, own.shape, recipe, parameters: store.trainableCount)
          .sentence(on: store.device)),
    ]
  }

  private static func percent(_ share: Double) -> String { "\(Formatted.fixed(share * 100, 2)) %" }
}
