public import Datasets
import Figures
import FileSystem
package import Imaging
import Inference
public import MaskedAutoencoders
public import Recipes
public import Runs
public import Torch
public import TorchNN
public import TorchOptim

/// What a user names for masked pre-training besides the recipe.
public struct PretrainingInputs: TrainingInputs {
  /// The images, as they are opened.
  public var path: String
  /// The images as the user named them, for messages.
  public var name: String

  /// Names images.
  ///
  /// - Parameter name: What they are called in messages; the path unless given.
  public init(data path: String, named name: String? = nil) {
    self.path = path
    self.name = name ?? path
  }

  public var kind: RunKind {
    RunKind(
      name: "pre-training", command: "mae pretrain", title: "a run of pre-training",
      product: "masked autoencoder")
  }
  public var models: [String] { [] }
  public var images: [String] { [path] }
}

/// Masked pre-training: images in, reconstruction error out (§3).
public final class PretrainingTask: TrainingTask {
  /// The model that learns.
  public let model: MaskedAutoencoder
  public var recipe: PretrainingRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  private let inputs: PretrainingInputs
  private let cacheWarning: String?
  private var targetWords: String?
  private var accuracies: [Tensor] = []
  /// Images on a sheet of reconstructions, evenly over the set, whose neighbours are often alike;
  /// files that do not decode are left out.
  private lazy var pictured: [Int] = {
    let count = min(recipe.logging.images, data.dataset.count)
    return (0..<count).map { $0 * data.dataset.count / max(1, count) }.filter {
      (try? data.dataset.check($0, of: recipe.model.channels, raster: recipe.data.rasterSettings))
        != nil
    }
  }()

  public init(
    _ recipe: PretrainingRecipe, _ inputs: PretrainingInputs, on device: Device, isResumed: Bool
  ) throws {
    self.inputs = inputs
    var recipe = try Self.opened(recipe, on: device)
    let dataset = try openDataset(at: inputs.path)
    recipe.data = try recipe.data.resolvingNormalization(
      from: dataset, named: inputs.path, channels: recipe.model.channels, seed: recipe.seed)
    let transform = recipe.transform
    (recipe.data, cacheWarning) = try recipe.data.resolvingCache(for: dataset, transform)
    try recipe.data.requireMemory(forBatchesOf: recipe.batch.size, recipe.model)
    self.recipe = recipe
    data = TrainingData(dataset, path: inputs.path, transform: transform)
    let normalization = recipe.data.pixelNormalization(channels: recipe.model.channels)
    description = ModelDescription(
      model: recipe.model, mean: normalization.mean, std: normalization.std,
      valueRange: recipe.data.valueRange.range, masking: recipe.masking,
      raster: recipe.data.rasterSettings)
    store = ParameterStore(
      on: device,
      initializing: Generator(seed: recipe.seed, stream: RandomStream.weights, step: 0))
    model = MaskedAutoencoder(
      recipe.model, recomputing: recipe.memory.recompute, in: store.root)
  }

  public var parameterGroups: [ParameterGroup] {
    ParameterGroup.decayingMatrices(
      of: store.trainable, weightDecay: recipe.optimizer.weightDecay)
  }

  public var operationsPerImage: Double? { RunPlan.Job(recipe, images: 1).cost.operations }

  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
    let mask = mask(for: batch, draw: draw).to(store.device)
    let region = recipe.loss.region.lossRegion
    let criterion = recipe.model.target.target.criterion
    guard criterion == .crossEntropy else { return model.loss(images, mask: mask, over: region) }
    let (prediction, classes) = model.predicted(images, mask: mask, over: region)
    let right = prediction.detached().argmax(along: -1) .== classes
    accuracies.append(right.to(.float32).mean())
    return criterion.loss(of: prediction, against: classes)
  }

  /// Drawn on the CPU and for the whole batch: the same masks on every device, for any number of
  /// processes.
  private func mask(for batch: Batch, draw: Int) -> PatchMask {
    recipe.masking.mask(
      model.configuration.grid, batch: batch.share.total,
      using: Generator(seed: recipe.seed, stream: RandomStream.masks, step: draw)
    ).selecting(batch.share.rows)
  }

  public func drawn(for batch: Batch, draw: Int) -> [Tensor]? {
    guard recipe.model.target.target.criterion != .crossEntropy else { return nil }
    return [mask(for: batch, draw: draw).order.sent(to: store.device)]
  }

  public func loss(_ images: Tensor, drawn: [Tensor]) -> Tensor {
    let mask = PatchMask(order: drawn[0], keeping: recipe.masking.kept(of: recipe.model.grid))
    return model.loss(images, mask: mask, over: recipe.loss.region.lossRegion)
  }

  /// Of classes the share that is told.
  public func takeLossParts() -> [(name: String, error: Tensor)] {
    defer { accuracies = [] }
    return accuracies.isEmpty ? [] : [("accuracy", stacked(accuracies).mean())]
  }

  public func prepareToStart() throws { targetWords = try prepareTarget() }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let shape = recipe.model
    let images = Tensor.zeros([count, shape.channels, shape.height, shape.width]).to(store.device)
    let mask = recipe.masking.mask(shape.grid, batch: count, using: Generator(seed: 0))
    return model.loss(images, mask: mask.to(store.device))
  }

  public var warnings: [String] {
    var found = data.dataset.notes.map { "\(inputs.name): \($0)" }
    if let problem = data.dataset.labelProblem { found.append("classes are not used: \(problem)") }
    found += [cacheWarning].compactMap(\.self)
    let totalSteps = recipe.totalSteps(stepsPerEpoch: data.stepsPerEpoch(recipe))
    if totalSteps < 1000, recipe.peakLearningRate < 1e-4 {
      found.append(
        "\(totalSteps) steps at a learning rate of at most "
          + "\(Formatted.scientific(recipe.peakLearningRate)) will change little: it is "
          + "optimizer.baseLearningRate × effective batch / 256. For a small set raise "
          + "schedule.epochs and optimizer.baseLearningRate")
    }
    return found
  }

  public var summary: [SummaryLine] {
    let dataset = data.dataset
    let classes = dataset.classes.map { ", \($0.count) classes (not used)" } ?? ""
    var lines = [SummaryLine("data", "\(dataset.count) images of \(inputs.name)\(classes)")]
    if let mixture = dataset as? MixtureDataset {
      for (number, source) in mixture.sources.enumerated() {
        let share = Formatted.fixed(100 * mixture.share(of: number), 1)
        lines.append(
          SummaryLine("", "\(share) % from \(source.name), \(source.dataset.count) images"))
      }
    }
    let shape = recipe.model
    lines.append(
      SummaryLine(
        "model",
        "\(shape.height) × \(shape.width) × \(shape.channels), patch \(shape.patch): "
          + "\(recipe.masking.kept(of: shape.grid)) of \(shape.grid.count) patches visible"
          + (recipe.masking.name == RandomMasking.name ? "" : ", \(recipe.masking.name) masking")
          + (shape.encodesMaskTokens ? ", mask tokens in the encoder; " : "; ")
          + "encoder \(shape.encoder.words), decoder \(shape.decoder?.words ?? "none"); "
          + "\(Formatted.fixed(Double(store.trainableCount) / 1e6, 2)) M parameters"))
    lines += targetWords.map { [SummaryLine("target", $0)] } ?? []
    let memory = StepMemory(recipe, parameters: store.trainableCount, on: store.device)
    lines.append(SummaryLine("forecast", memory.sentence(on: store.device)))
    return lines
  }

  public func pictures(epoch: Double) throws -> [TrainingPicture] {
    guard recipe.model.target.isDrawable, !pictured.isEmpty else { return [] }
    let sheet = try Reconstruction(model, description, on: store.device).sheet(
      of: data.dataset, pictured, ratios: [recipe.masking.ratio], seed: recipe.seed,
      title: "\(recipe.name), epoch \(Formatted.fixed(epoch, 1))")
    return [TrainingPicture("reconstructions", png: try sheet.encodedAsPNG())]
  }

  public func conclude(_ outcome: RunOutcome) throws -> [String] {
    let folder = outcome.folder
    try RunResults.update(folder.path) { results in
      results.pretraining = RunResults.Pretraining(
        steps: outcome.steps, epochs: outcome.epochs, images: data.dataset.count,
        loss: outcome.loss, seconds: outcome.seconds, parameters: store.trainableCount,
        brokenFiles: outcome.undecodable.map(\.name), data: inputs.name)
    }
    return [
      "done in \(Formatted.duration(outcome.seconds)); look at \(folder.reportPath). Next: "
        + "mae reconstruct \(folder.path) \(inputs.name), mae knn \(folder.path) LABELLED"
    ]
  }
}

extension PretrainingRecipe {
  /// How a picture becomes the model's input.
  ///
  /// - Precondition: The normalisation has been resolved.
  package var transform: ImageTransform {
    let size = PixelSize(width: model.width, height: model.height)
    return ImageTransform(
      data.augmentation(for: size), size: size,
      normalization: data.pixelNormalization(channels: model.channels),
      valueRange: data.valueRange.range, raster: data.rasterSettings)
  }
}

extension PretrainingRecipe.Loss.Region {
  fileprivate var lossRegion: MaskedAutoencoder.LossRegion {
    switch self {
    case .hidden: .hidden
    case .all: .all
    }
  }
}
