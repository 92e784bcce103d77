public import Recipes
public import Runs
public import Datasets
import Imaging
public import MaskedAutoencoders
public import Torch
public import TorchNN
import TorchOptim

/// Training a classifier as a trainer sees it: labelled images in, cross-entropy out (A.1).
public struct FinetuningTask: TrainingTask {
  /// The classifier that learns.
  public let classifier: ImageClassifier
  public let store: ParameterStore
  public let description: ModelDescription
  private let recipe: FinetuningRecipe
  private let mixing: Mixing

  /// Makes a classifier with its first weights, all drawn from the recipe's seed; part of it is frozen
  /// where the recipe trains a part only.
  public init(_ recipe: FinetuningRecipe, description: ModelDescription, on device: Device) {
    guard let shape = description.classifier?.head else {
      preconditionFailure("a masked autoencoder has no classes to be trained for")
    }
    self.recipe = recipe
    self.description = description
    mixing = recipe.regularization.mixing
    store = ParameterStore(
      on: device, initializing: Generator(seed: recipe.seed, stream: Stream.weights, step: 0))
    classifier = ImageClassifier(
      description.model, head: shape, deviation: recipe.head.deviation, in: store.root)
    classifier.train(only: recipe.trained.part)
  }

  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
    let (height, width) = (images.shape[2], images.shape[3])
    var random = SampleRandom(seed: recipe.seed ^ Stream.mixing << 32, sample: draw)
    let blends = mixing.draw(batch: batch.count, height: height, width: width, using: &random)
    let logits = classifier(
      Mixing.mix(images, by: blends), isTraining: true, dropping: paths(draw: draw)
    ).to(.float32)
    let smoothing = recipe.regularization.labelSmoothing
    guard smoothing > 0 || blends.contains(where: { $0 != .none }) else {
      return logits.crossEntropy(with: Tensor(batch.labels).to(images.device))
    }
    let targets = Mixing.targets(
      batch.labels, classes: classifier.shape.classes,
      shares: blends.map { $0.share(height: height, width: width) }, smoothing: smoothing)
    return logits.crossEntropy(with: targets.to(images.device))
  }

  /// What blocks leave out at one draw; drawn on the CPU, the same on every device.
  private func paths(draw: Int) -> DropPath? {
    let rate = recipe.regularization.dropPath
    guard rate > 0 else { return nil }
    return DropPath(
      rate: rate,
      from: recipe.trained.part.firstBlock(depth: description.model.encoder.depth),
      using: Generator(seed: recipe.seed, stream: Stream.paths, step: draw))
  }

  /// The optimizer that the recipe names, over what is trained.
  func optimizer() -> any Optimizer {
    let values = recipe.optimizer
    let depth = description.model.encoder.depth
    let groups = ParameterGroup.layerwise(
      of: store.trainable, decay: values.layerDecay, layers: depth + 1,
      weightDecay: values.weightDecay, undecayed: ["pos_embed", "cls_token"]
    ) { layer(of: $0, depth: depth) }
    return switch values.kind {
    case .adamw: AdamW(groups, beta1: values.beta1, beta2: values.beta2)
    case .lars: LARS(groups, momentum: values.momentum)
    case .sgd: SGD(groups, momentum: values.momentum)
    }
  }
}

extension FinetuningRecipe.Regularization {
  /// Mixup and CutMix as the recipe has them.
  var mixing: Mixing {
    Mixing(
      mixup: mixup, cutmix: cutmix, probability: mixProbability,
      switchProbability: switchProbability, mode: mixMode)
  }
}
