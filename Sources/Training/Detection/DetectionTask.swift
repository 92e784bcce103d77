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
import TorchOptim
import WeightExchange

/// Training a detector on an encoder or from scratch: pictures with objects in, the five errors of
/// Mask R-CNN out (He et al., 2022, §5, Table 4; Li et al., 2022).
public final class DetectionTask: TrainingTask {
  public typealias Source = DetectionLoader

  /// The detector that learns.
  public let detector: MaskRCNN
  public var recipe: DetectionRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  /// What the detector did on the validation pictures when it was validated last.
  public private(set) var evaluation: DetectionEvaluation?
  let inputs: DetectionInputs
  let labelled: DetectionData
  let own: DetectorDescription
  private let found: [String]
  private var parts: [(name: String, error: Tensor)] = []
  private var passes = 0

  /// Pictures of the best and the worst results that a report shows.
  static let shownPictures = 4

  public init(
    _ recipe: DetectionRecipe, _ inputs: DetectionInputs, on device: Device, isResumed: Bool
  ) throws {
    self.inputs = inputs
    labelled = try DetectionData(inputs, recipe.labels, seed: recipe.seed)
    let source = try DetectionSource(inputs)
    var notes = labelled.notes + source.notes
    var recipe = recipe
    let (model, side) = try Self.model(recipe, source, inputs)
    if inputs.isFromScratch { recipe.model = model }
    recipe.size = side
    recipe.data = try recipe.data.resolved(
      from: source.description, labelled.training, named: inputs.path, for: model,
      seed: recipe.seed)
    let hasMasks = labelled.training.hasMasks
    if recipe.heads.masks == true, !hasMasks {
      throw RunFailure(
        .badData,
        "\(inputs.names.data): has objects with a box and no mask; learn boxes alone: --set "
          + "heads.masks=false")
    }
    recipe.heads.masks = recipe.heads.masks ?? hasMasks
    let categories = labelled.training.annotations.categories
    let shape = recipe.shape(
      of: model, side: side, classes: categories.count, hasMasks: hasMasks)
    if let problem = shape.problems(depth: model.encoder.depth, width: model.encoder.width).first {
      throw RunFailure(.recipe, "\(problem.path) \(problem.message)")
    }
    let pixels = recipe.data.pixelNormalization(channels: model.channels)
    own = DetectorDescription(
      shape: shape, categories: categories.map { .init(id: $0.id, name: $0.name) }, side: side,
      padding: recipe.augmentation.padding == .gray ? .gray : .zero)
    description = ModelDescription(
      model: model, detector: own, mean: pixels.mean, std: pixels.std,
      valueRange: recipe.data.valueRange.range, raster: recipe.data.rasterSettings)
    if let problem = description.problems.first { throw RunFailure(.recipe, problem) }
    data = TrainingData(
      labelled.training, path: inputs.path,
      transform: ImageTransform(
        recipe.data.augmentation, size: PixelSize(width: side, height: side),
        normalization: pixels, valueRange: recipe.data.valueRange.range,
        raster: recipe.data.rasterSettings))
    store = ParameterStore(
      on: device,
      initializing: Generator(seed: recipe.seed, stream: RandomStream.weights, step: 0))
    detector = MaskRCNN(model, shape, in: store.root)
    notes += try source.place(in: store, for: description)
    self.recipe = recipe
    found = notes
  }

  public func batches(startingAt batch: Int, rank: DataParallelRank) -> DetectionLoader {
    DetectionLoader(
      labelled.training, path: inputs.path,
      jitter: LargeScaleJitter(
        side: own.side, scale: recipe.augmentation.scale, flip: recipe.augmentation.flip,
        keepsPadding: own.padding == .gray),
      normalization: data.transform.normalization, valueRange: data.transform.valueRange,
      raster: data.transform.raster, batch: recipe.batch.size,
      sampling: recipe.data.sampling(recipe.batch), seed: recipe.seed, startingAt: batch,
      rank: rank, workers: recipe.data.threads, prefetch: recipe.data.prefetch,
      brokenFraction: recipe.data.brokenLimit)
  }

  // MARK: Loss

  public func loss(_ images: Tensor, of batch: DetectionBatch, draw: Int) -> Tensor {
    let truths = zip(batch.objects(), batch.views).map { Self.truth($0, in: $1) }
    let losses = detector.losses(
      of: own.padding == .gray
        ? images : LoadedDetector.blanked(images, extents: truths.map(\.extent)),
      truths, training: training(batch.share, draw: draw))
    let own = losses.parts.map { (name: $0.name, error: $0.error.detached()) }
    parts = passes == 0 ? own : zip(parts, own).map { ($0.name, $0.error + $1.error) }
    passes += 1
    return losses.total
  }

  public func takeLossParts() -> [(name: String, error: Tensor)] {
    defer { (parts, passes) = ([], 0) }
    return parts.map { ($0.name, $0.error / Double(passes)) }
  }

  /// Objects as the network wants them.
  static func truth(_ objects: [DetectionObject], in view: DetectionView) -> TrueObjects {
    TrueObjects(
      boxes: objects.map { Box($0.box.x, $0.box.y, $0.box.z, $0.box.w) },
      classes: objects.map(\.category),
      extent: (Float(view.extent.width), Float(view.extent.height)),
      masks: { numbers, boxes, side in
        zip(numbers, boxes).flatMap { number, box in
          objects[number].cells(within: SIMD4(box.x0, box.y0, box.x1, box.y1), side: side)
        }
      })
  }

  /// What is done in training only, drawn for a whole batch on the CPU, the same on every device and
  /// for any number of processes.
  private func training(_ share: BatchShare, draw: Int) -> DetectionTraining {
    let rate = recipe.backbone.dropPath
    return DetectionTraining(
      dense: DenseTraining(
        paths: rate > 0
          ? DropPath(
            rate: rate, batch: share.total, rows: share.rows,
            using: Generator(seed: recipe.seed, stream: RandomStream.dropPath, step: draw)) : nil,
        recomputes: recipe.memory.recompute),
      draws: ImageDraws(
        batch: share.total, rows: share.rows,
        using: Generator(seed: recipe.seed, stream: RandomStream.regions, step: draw)))
  }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let images = Tensor.zeros([count, description.model.channels, own.side, own.side])
      .to(store.device)
    let side = Float(own.side)
    let truths = [TrueObjects](
      repeating: TrueObjects(
        boxes: [Box(side / 4, side / 4, side / 2, side / 2)], classes: [0], extent: (side, side),
        masks: { numbers, _, cells in
          [Float](repeating: 1, count: numbers.count * cells * cells)
        }), count: count)
    // Running statistics are put back: a batch of blank images is none to remember.
    let before = store.entries.filter(\.isBuffer).map { ($0.tensor, $0.tensor.cloned()) }
    let total = detector.losses(
      of: images, truths,
      training: training(.whole(count), draw: 0)
    ).total
    withoutGradients { for (tensor, value) in before { tensor.copy(value) } }
    return total
  }

  // MARK: Validation and results

  /// The detector as it is now, for use.
  var loaded: LoadedDetector {
    var loaded = LoadedDetector(detector, in: store, description, source: inputs.names.data)
    loaded.precision = recipe.precision.type
    return loaded
  }

  public func validate() throws -> [Metric] { try validate(over: .single) }

  public func validate(over group: DataParallelGroup) throws -> [Metric] {
    let result = try DetectionEvaluation(
      of: labelled.validation, named: inputs.names.validation ?? inputs.names.data, by: loaded,
      batch: evaluationBatch,
      brokenLimit: BrokenLimit(
        recipe.data.brokenLimit, setting: "data.brokenLimit of the recipe"), over: group)
    evaluation = result
    func metrics(_ scoring: DetectionScoring, _ name: String) -> [Metric] {
      zip(["ap", "ap50", "ap75"], scoring.precision.summary.values).map { kind, value in
        Metric("\(name)_\(kind)", max(0, value), text: Self.percent(max(0, value)))
      }
    }
    return metrics(result.boxes, "box") + (result.masks.map { metrics($0, "mask") } ?? [])
  }

  /// So many pictures at a time that small ones fill the cores.
  private var evaluationBatch: Int { max(1, min(16, 65_536 / (own.side * own.side))) }

  public func conclude(_ outcome: RunOutcome) throws -> [String] {
    guard outcome.isFinished, let evaluation else { return [] }
    let out = outcome.folder.path
    let result = evaluation.record(
      model: loaded.source, data: inputs.names.data,
      training: .init(
        pictures: labelled.training.count, available: labelled.available,
        isFromScratch: inputs.isFromScratch, recipe: recipe.name, steps: outcome.steps,
        epochs: outcome.epochs, seconds: outcome.seconds, parameters: store.trainableCount,
        encoder: description.model.encoder.words))
    try RunResults.update(out) { $0.detection = result }
    func part(_ name: String, _ scores: RunResults.Detection.Scores) -> String {
      "\(name) AP \(scores.ap.map(Self.percent) ?? "–"), AP50 \(scores.ap50.map(Self.percent) ?? "–")"
    }
    var lines = [
      "\(recipe.name): "
        + ([part("box", result.boxes)] + (result.masks.map { [part("mask", $0)] } ?? []))
        .joined(separator: ", ")
        + " of \(result.pictures) pictures, learned from \(labelled.training.count) in "
        + Formatted.duration(outcome.seconds)
    ]
    lines += try DetectionPictures(evaluation, of: labelled.validation, by: loaded)
      .write(to: out, count: Self.shownPictures)
    lines.append(
      "Next: mae detect evaluate \(out) \(inputs.names.validation ?? inputs.names.data), "
        + "mae detect predict \(out) IMAGES --out detections.json --overlay pictures/")
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
    let objects = labelled.training.objects.reduce(0) { $0 + $1.count }
    let forecast = StepMemory(
      model, own.shape, side: own.side, recipe, parameters: store.trainableCount)
    return [
      SummaryLine(
        "data",
        "\(labelled.training.count) pictures with \(objects) objects of \(inputs.names.data)\(part), "
          + "\(own.shape.classes) classes; \(labelled.validation.count) pictures to validate on"),
      SummaryLine(
        "model",
        "\(inputs.isFromScratch ? "from scratch" : "fine-tuned"): \(own.side) × \(own.side) × "
          + "\(model.channels), patch \(model.patch); encoder \(model.encoder.words); "
          + "\(own.shape.pyramid.rawValue) pyramid of \(own.shape.channels) channels, boxes"
          + "\(own.shape.hasMasks ? " and masks" : ""); \(million(store.trainableCount)) M parameters"
      ),
      SummaryLine(
        "rates",
        "\(Formatted.scientific(recipe.peakLearningRate * first)) at the embedding to "
          + "\(Formatted.scientific(recipe.peakLearningRate * last)) at the heads"),
      SummaryLine("forecast", forecast.sentence(on: store.device)),
    ]
  }

  static func percent(_ share: Double) -> String { "\(Formatted.fixed(share * 100, 2)) %" }
}
