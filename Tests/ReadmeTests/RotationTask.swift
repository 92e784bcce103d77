public import Datasets
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
public import Runs
public import Torch
public import TorchNN
public import TorchOptim
public import Training

/// What a user names for rotation prediction besides the recipe.
public struct RotationInputs: TrainingInputs {
  /// The images; labels are not used.
  public var data: String
  /// The images to validate on; nil for the validation part of `data`.
  public var validation: String?

  public var kind: RunKind {
    RunKind(
      name: "rotation", command: "mae rotation", title: "a run of rotation prediction",
      product: "rotation classifier")
  }
  public var models: [String] { [] }
  public var images: [String] { [data, validation].compactMap(\.self) }
}

/// Rotation prediction: each image in each rotation in, the number of the rotation out (Gidaris et
/// al., 2018).
public final class RotationTask: TrainingTask {
  public var recipe: RotationRecipe
  public let data: TrainingData
  public let store: ParameterStore
  public let description: ModelDescription
  public let warnings: [String]
  private let classifier: ImageClassifier
  private let validation: any ImageDataset

  public init(
    _ recipe: RotationRecipe, _ inputs: RotationInputs, on device: Device, isResumed: Bool
  ) throws {
    let dataset = try openDataset(at: inputs.data)
    validation = try openDataset(
      at: inputs.validation ?? inputs.data,
      split: inputs.validation == nil ? .validation : .training)
    let model = recipe.model
    var recipe = recipe
    recipe.data = try recipe.data.resolvingNormalization(
      from: dataset, named: inputs.data, channels: model.channels, seed: recipe.seed)
    let pixels = recipe.data.pixelNormalization(channels: model.channels)
    let transform = ImageTransform(
      recipe.data.augmentation, size: PixelSize(width: model.width, height: model.height),
      normalization: pixels, valueRange: recipe.data.valueRange.range)
    let cached = try recipe.data.resolvingCache(for: dataset, transform)
    recipe.data = cached.pipeline
    try recipe.data.requireMemory(forBatchesOf: recipe.batch.size, model)
    self.recipe = recipe
    data = TrainingData(dataset, path: inputs.data, transform: transform)
    warnings = dataset.notes + [cached.warning].compactMap(\.self)
    let head = ClassifierHead(classes: recipe.rotations)
    let names = (0..<recipe.rotations).map { "\($0 * 360 / recipe.rotations)°" }
    description = ModelDescription(
      model: model, classifier: .init(head: head, classNames: names), mean: pixels.mean,
      std: pixels.std, valueRange: recipe.data.valueRange.range)
    store = ParameterStore(on: device, initializing: Generator(seed: recipe.seed))
    classifier = ImageClassifier(model, head: head, in: store.root)
  }

  public var parameterGroups: [ParameterGroup] {
    ParameterGroup.decayingMatrices(
      of: store.trainable, weightDecay: recipe.optimizer.weightDecay)
  }

  public var summary: [SummaryLine] {
    [
      SummaryLine("data", "\(data.dataset.count) images; \(validation.count) to validate on"),
      SummaryLine(
        "model",
        "encoder \(recipe.model.encoder.words); tells \(recipe.rotations) rotations apart"),
    ]
  }

  /// Images in each rotation, counter-clockwise, and the number of the rotation, `R` of them:
  /// `[B, C, S, S]` → `[R·B, C, S, S]`, `[R·B]`.
  func rotated(_ images: Tensor) -> (images: Tensor, labels: Tensor) {
    let columnsAsRows = images.transposed(2, 3)
    let quarters = [
      images, columnsAsRows.flipped([2]), images.flipped([2, 3]), columnsAsRows.flipped([3]),
    ]
    let chosen = recipe.rotations == 4 ? quarters : [quarters[0], quarters[2]]
    let labels = chosen.indices.flatMap { [Int](repeating: $0, count: images.shape[0]) }
    return (concatenated(chosen, along: 0), Tensor(labels).sent(to: images.device))
  }

  private func loss(_ images: Tensor) -> Tensor {
    let (images, labels) = rotated(images)
    return classifier(images).to(.float32).crossEntropy(with: labels)
  }

  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor { loss(images) }

  public func loss(ofBlankImages count: Int) -> Tensor {
    let shape = recipe.model
    return loss(
      Tensor.zeros([count, shape.channels, shape.height, shape.width]).to(store.device))
  }

  /// The share of the validation images' rotations that are told.
  public func validate() throws -> [Metric] {
    let loader = SequentialLoader(
      validation, transform: description.evaluationTransform, batch: recipe.batch.size,
      workers: recipe.data.threads)
    defer { loader.stop() }
    var (correct, count) = (0.0, 0)
    while let batch = try loader.next() {
      let (images, labels) = rotated(batch.tensor(on: store.device))
      let predicted = withoutGradients { classifier(images).argmax(along: -1) }
      correct += (predicted .== labels).to(.float32).sum().item()
      count += images.shape[0]
    }
    let accuracy = correct / Double(max(1, count))
    return [
      Metric("rotation_accuracy", accuracy, text: "\(Formatted.fixed(100 * accuracy, 2)) %")
    ]
  }

  public func conclude(_ outcome: RunOutcome) throws -> [String] {
    ["Next: mae knn \(outcome.folder.path) LABELLED"]
  }
}
