public import ContrastiveLearning
public import Datasets
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
public import Recipes
public import Runs
public import Torch
public import TorchNN
public import TorchOptim

/// What a user names for contrastive pre-training besides the recipe.
public struct ContrastiveInputs: TrainingInputs {
  /// The images, as they are opened; labels are not used.
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
      name: "contrastive", command: "mae contrastive", title: "a run of contrastive pre-training",
      product: "contrastive model")
  }
  public var models: [String] { [] }
  public var images: [String] { [path] }
}

/// Contrastive pre-training by MoCo v3: two views of each image in, how well they are told from
/// those of other images out (Chen et al., 2021).
public final class ContrastiveTask: TrainingTask {
  /// The model that learns.
  public let model: MomentumContrast
  public var recipe: ContrastiveRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  private let inputs: ContrastiveInputs
  private let secondView: ImageTransform
  private let cacheWarning: String?

  public init(
    _ recipe: ContrastiveRecipe, _ inputs: ContrastiveInputs, on device: Device, isResumed: Bool
  ) throws {
    self.inputs = inputs
    let dataset = try openDataset(at: inputs.path)
    var recipe = recipe
    let shape = recipe.model
    recipe.data = try recipe.data.resolvingNormalization(
      from: dataset, named: inputs.path, channels: shape.channels, seed: recipe.seed)
    let pixels = recipe.data.pixelNormalization(channels: shape.channels)
    let size = PixelSize(width: shape.width, height: shape.height)
    let views = recipe.views(for: size)
    func transform(_ augmentation: Augmentation) -> ImageTransform {
      ImageTransform(
        augmentation, size: size, normalization: pixels,
        valueRange: recipe.data.valueRange.range)
    }
    let first = transform(views.first)
    secondView = transform(views.second)
    (recipe.data, cacheWarning) = try recipe.data.resolvingCache(for: dataset, first)
    // Two views of each image.
    try recipe.data.requireMemory(forBatchesOf: 2 * recipe.batch.size, shape)
    self.recipe = recipe
    data = TrainingData(dataset, path: inputs.path, transform: first)
    description = ModelDescription(
      model: shape, contrastive: recipe.heads, mean: pixels.mean, std: pixels.std,
      valueRange: recipe.data.valueRange.range)
    store = ParameterStore(
      on: device,
      initializing: Generator(seed: recipe.seed, stream: RandomStream.weights, step: 0))
    model = MomentumContrast(
      shape, heads: recipe.heads, trainsPatchProjection: recipe.patchProjection == .trained,
      in: store.root)
  }

  public var operationsPerImage: Double? { RunPlan.Job(recipe, images: 1).cost.operations }

  public var parameterGroups: [ParameterGroup] {
    ParameterGroup.decayingMatrices(
      of: store.trainable, weightDecay: recipe.optimizer.weightDecay)
  }

  public func batches(startingAt batch: Int, rank: DataParallelRank) -> BatchLoader {
    BatchLoader(
      data.dataset, path: data.path, transform: data.transform, secondView: secondView,
      output: recipe.data.output, batch: recipe.batch.size,
      sampling: recipe.data.sampling(recipe.batch), seed: recipe.seed, startingAt: batch,
      rank: rank, workers: recipe.data.threads, prefetch: recipe.data.prefetch,
      cacheBytes: recipe.data.cacheBytes, brokenFraction: recipe.data.brokenLimit)
  }

  /// - Parameter images: `[B, 2, C, H, W]`.
  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
    model.loss(images[.all, 0], images[.all, 1], temperature: recipe.temperature)
  }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let shape = recipe.model
    let images = Tensor.zeros([count, shape.channels, shape.height, shape.width]).to(store.device)
    // In evaluation mode running statistics stay as they are; the work is about the same.
    return model.loss(images, images, temperature: recipe.temperature, isTraining: false)
  }

  public func weightsUpdated(at step: Int) {
    let total = recipe.totalSteps(stepsPerEpoch: data.stepsPerEpoch(recipe))
    model.updateMomentumEncoder(
      momentum: MomentumContrast.momentum(at: step, of: total, from: recipe.momentum))
  }

  public var warnings: [String] {
    var found = data.dataset.notes.map { "\(inputs.name): \($0)" }
    if let problem = data.dataset.labelProblem { found.append("classes are not used: \(problem)") }
    found += [cacheWarning].compactMap(\.self)
    if recipe.model.channels == 1, recipe.augmentation == .byol {
      found.append(
        "images are grayscale: colors.saturation, colors.hue and colors.grayscale change nothing; "
          + "brightness, contrast, blur and solarisation do")
    }
    if recipe.batch.accumulation > 1 {
      found.append(
        "batch.accumulation is \(recipe.batch.accumulation): gradients are of "
          + "\(recipe.effectiveBatch) images a step, and an image is told from the "
          + "\(recipe.batch.size - 1) others of its own pass only")
    }
    return found
  }

  public var summary: [SummaryLine] {
    let dataset = data.dataset
    let classes = dataset.classes.map { ", \($0.count) classes (not used)" } ?? ""
    let (shape, heads) = (recipe.model, recipe.heads)
    let colors =
      recipe.augmentation == .byol
      ? "crop, flip and BYOL's colours, blur and solarisation" : "crop and flip alone"
    return [
      SummaryLine("data", "\(dataset.count) images of \(inputs.name)\(classes)"),
      SummaryLine("views", "two of each image: \(colors)"),
      SummaryLine(
        "model",
        "\(shape.height) × \(shape.width) × \(shape.channels), patch \(shape.patch); encoder "
          + "\(shape.encoder.words); heads of \(heads.projectionLayers) and "
          + "\(heads.predictionLayers) layers, \(heads.hidden) wide, \(heads.output) compared; "
          + "\(Formatted.fixed(Double(store.trainableCount) / 1e6, 2)) M parameters are trained"),
    ]
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
        + "mae knn \(folder.path) LABELLED, mae probe \(folder.path) LABELLED"
    ]
  }
}
