public import Datasets
public import DiscreteVAE
import Figures
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
public import Recipes
public import Runs
public import Torch
public import TorchNN
public import TorchOptim

/// What a user names for training an image tokenizer besides the recipe.
public struct TokenizerInputs: TrainingInputs {
  /// The images, as they are opened; labels are not used.
  public var path: String
  /// The images to validate on; nil for the validation part of the set.
  public var validation: String?
  /// The images as the user named them, for messages.
  public var name: String

  /// Names images.
  ///
  /// - Parameter name: What they are called in messages; the path unless given.
  public init(data path: String, validation: String? = nil, named name: String? = nil) {
    self.path = path
    self.validation = validation
    self.name = name ?? path
  }

  public var kind: RunKind {
    RunKind(
      name: "tokenizer", command: "mae tokenizer train", title: "a tokenizer's run",
      product: "tokenizer")
  }
  public var models: [String] { [] }
  public var images: [String] { [path, validation].compactMap(\.self) }
}

/// Training a discrete VAE: images in, a relaxed sample of tokens between, their density and the
/// divergence of the tokens out (Ramesh et al., 2021, §2.1).
public final class TokenizerTask: TrainingTask {
  /// The tokenizer that learns.
  public let tokenizer: ImageTokenizer
  public var recipe: TokenizerRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  public let warnings: [String]
  private let inputs: TokenizerInputs
  private let validation: any ImageDataset
  private let totalSteps: Int
  private var parts: [(name: String, error: Tensor)] = []
  private var passes = 0
  private var evaluation: TokenizerEvaluation?

  /// Training images that are validated on where there are no others.
  private static let mostValidation = 1000

  public init(
    _ recipe: TokenizerRecipe, _ inputs: TokenizerInputs, on device: Device, isResumed: Bool
  ) throws {
    self.inputs = inputs
    let dataset = try openDataset(at: inputs.path)
    var notes = dataset.notes.map { "\(inputs.name): \($0)" }
    var recipe = recipe
    let shape = recipe.model
    recipe.data = try recipe.data.resolvingNormalization(
      from: dataset, named: inputs.path, channels: shape.channels, seed: recipe.seed)
    var description = ModelDescription(tokenizer: shape)
    description.valueRange = recipe.data.valueRange.range
    let pixels = recipe.data.pixelNormalization(channels: shape.channels)
    let transform = ImageTransform(
      recipe.data.augmentation, size: PixelSize(width: shape.width, height: shape.height),
      normalization: pixels, valueRange: recipe.data.valueRange.range)
    let cached = try recipe.data.resolvingCache(for: dataset, transform)
    recipe.data = cached.pipeline
    notes += [cached.warning].compactMap(\.self)
    try recipe.data.requireMemory(forBatchesOf: recipe.batch.size, description.model)
    validation = try Self.validation(inputs, training: dataset)
    if validation is SubsetDataset, inputs.validation == nil {
      notes.append(
        "\(inputs.name) has no validation part; \(validation.count) of its own images are validated on"
      )
    }
    self.description = description
    self.recipe = recipe
    data = TrainingData(dataset, path: inputs.path, transform: transform)
    warnings = notes
    totalSteps = max(1, recipe.totalSteps(stepsPerEpoch: data.stepsPerEpoch(recipe)))
    store = ParameterStore(
      on: device,
      initializing: Generator(seed: recipe.seed, stream: RandomStream.weights, step: 0))
    tokenizer = ImageTokenizer(shape, in: store.root)
  }

  /// The images to validate on: those that are named, the validation part, or some to train on.
  private static func validation(
    _ inputs: TokenizerInputs, training: any ImageDataset
  ) throws(DatasetError) -> any ImageDataset {
    if let path = inputs.validation { return try openDataset(at: path) }
    do throws(DatasetError) {
      return try openDataset(at: inputs.path, split: .validation)
    } catch {
      guard error.kind == .missingSplit else { throw error }
      let count = min(mostValidation, training.count)
      return SubsetDataset(
        training, indices: (0..<count).map { $0 * training.count / max(1, count) })
    }
  }

  public var parameterGroups: [ParameterGroup] {
    ParameterGroup.decayingMatrices(
      of: store.trainable, weightDecay: recipe.optimizer.weightDecay)
  }

  public var summary: [SummaryLine] {
    let shape = recipe.model
    return [
      SummaryLine(
        "data",
        "\(data.dataset.count) images of \(inputs.name); \(validation.count) to validate on"),
      SummaryLine(
        "model",
        "\(shape.words), of \(shape.stride) × \(shape.stride) pixels each; \(shape.groups) groups of "
          + "\(shape.blocks) blocks, \(shape.hiddenWidth) wide at first; "
          + "\(Formatted.fixed(Double(store.trainableCount) / 1e6, 2)) M parameters"),
    ]
  }

  // MARK: Loss

  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
    let shape = recipe.model
    // Drawn for each image on the CPU: the same on every device, for any number of processes.
    let uniform = stacked(
      batch.share.rows.map { row in
        Tensor.rand(
          [shape.vocabulary, shape.rows, shape.columns],
          using: Generator(
            seed: recipe.seed, stream: RandomStream.tokens, step: draw * batch.share.total + row))
      })
    let share = Double(draw / recipe.batch.accumulation) / Double(totalSteps)
    let loss = tokenizer.loss(
      images, uniform: uniform.sent(to: store.device),
      temperature: recipe.temperature(after: share), minimumScale: recipe.loss.minimumScale)
    let own = [
      (name: "likelihood", error: loss.likelihood.detached()),
      (name: "divergence", error: loss.divergence.detached()),
    ]
    parts = passes == 0 ? own : zip(parts, own).map { ($0.name, $0.error + $1.error) }
    passes += 1
    return total(loss, klWeight: recipe.klWeight(after: share))
  }

  /// Both terms summed over an image and divided by its pixels and channels.
  private func total(_ loss: ImageTokenizer.Loss, klWeight: Double) -> Tensor {
    let shape = recipe.model
    let positions = Double(shape.rows * shape.columns)
    let values = Double(shape.height * shape.width * shape.channels)
    return loss.likelihood + loss.divergence * (klWeight * positions / values)
  }

  public func takeLossParts() -> [(name: String, error: Tensor)] {
    defer { (parts, passes) = ([], 0) }
    return parts.map { ($0.name, $0.error / Double(passes)) }
  }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let shape = recipe.model
    let images = Tensor.full([count, shape.channels, shape.height, shape.width], 0.5)
    let uniform = Tensor.full([count, shape.vocabulary, shape.rows, shape.columns], 0.5)
    return total(
      tokenizer.loss(
        images.to(store.device), uniform: uniform.to(store.device), temperature: 1,
        minimumScale: max(recipe.loss.minimumScale, 0.01)), klWeight: 1)
  }

  // MARK: Validation and results

  public func validate() throws -> [Metric] {
    let result = try TokenizerEvaluation(
      of: validation, named: inputs.validation ?? inputs.name, by: tokenizer,
      transform: description.evaluationTransform, batch: min(recipe.batch.size, 100),
      workers: recipe.data.threads, brokenLimit: recipe.data.brokenLimit)
    evaluation = result
    return [
      Metric(
        "mean_squared_error", result.meanSquaredError,
        text: Formatted.fixed(result.meanSquaredError, 5)
          + ", \(Self.percent(result.usage)) of the vocabulary used, perplexity "
          + Formatted.fixed(result.perplexity, 1)),
      Metric("codebook_usage", result.usage, text: Self.percent(result.usage)),
      Metric(
        "codebook_perplexity", result.perplexity, text: Formatted.fixed(result.perplexity, 1)),
    ]
  }

  public func pictures(epoch: Double) throws -> [TrainingPicture] {
    let count = min(recipe.logging.images, validation.count)
    let chosen = (0..<count).map { $0 * validation.count / max(1, count) }.filter {
      (try? validation.image(at: $0, channels: recipe.model.channels)) != nil
    }
    guard !chosen.isEmpty else { return [] }
    let sheet = try TokenizerPictures(tokenizer, transform: description.evaluationTransform).sheet(
      of: validation, chosen, title: "\(recipe.name), epoch \(Formatted.fixed(epoch, 1))")
    return [TrainingPicture("reconstructions", png: try sheet.encodedAsPNG())]
  }

  public func conclude(_ outcome: RunOutcome) throws -> [String] {
    guard outcome.isFinished, let evaluation else { return [] }
    let out = outcome.folder.path
    let result = RunResults.Tokenizer(
      meanSquaredError: evaluation.meanSquaredError, usage: evaluation.usage,
      perplexity: evaluation.perplexity, vocabulary: recipe.model.vocabulary,
      images: evaluation.images,
      training: .init(
        images: data.dataset.count, recipe: recipe.name, steps: outcome.steps,
        epochs: outcome.epochs, seconds: outcome.seconds, parameters: store.trainableCount))
    try RunResults.update(out) { $0.tokenizer = result }
    return [
      "\(recipe.name): \(Self.percent(result.usage)) of \(result.vocabulary) tokens used, perplexity "
        + "\(Formatted.fixed(result.perplexity, 1)), mean squared error "
        + "\(Formatted.fixed(result.meanSquaredError, 5)) on \(result.images) images, in "
        + Formatted.duration(outcome.seconds),
      "Next: mae pretrain \(inputs.name) --out RUN --set model.target=tokens "
        + "--set model.target.tokenizer=\(out)",
    ]
  }

  private static func percent(_ share: Double) -> String { "\(Formatted.fixed(share * 100, 1)) %" }
}
