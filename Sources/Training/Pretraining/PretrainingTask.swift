public import Recipes
public import Runs
public import Datasets
public import MaskedAutoencoders
public import Torch
public import TorchNN

/// Masked pre-training as a trainer sees it: images in, reconstruction error out (§3).
public struct PretrainingTask: TrainingTask {
  /// The model that learns.
  public let model: MaskedAutoencoder
  public let store: ParameterStore
  public let description: ModelDescription
  private let masking: any MaskingStrategy
  private let region: MaskedAutoencoder.LossRegion
  private let seed: UInt64

  /// Makes a model with its first weights, all drawn from the recipe's seed.
  public init(_ recipe: Recipe, description: ModelDescription, on device: Device) {
    self.description = description
    seed = recipe.seed
    masking = recipe.masking.rule
    region = recipe.loss.region.lossRegion
    store = ParameterStore(
      on: device, initializing: Generator(seed: recipe.seed, stream: Stream.weights, step: 0))
    model = MaskedAutoencoder(recipe.model, in: store.root)
  }

  public func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
    // Drawn on the CPU: the same masks on every device.
    let mask = masking.mask(
      model.configuration.grid, batch: batch.count,
      using: Generator(seed: seed, stream: Stream.masks, step: draw))
    return model.loss(images, mask: mask.to(store.device), over: region)
  }
}

extension Recipe.Masking {
  /// The strategy that the recipe names.
  var rule: any MaskingStrategy {
    switch strategy {
    case .random: RandomMasking(ratio: ratio)
    }
  }
}

extension Recipe.Loss.Region {
  fileprivate var lossRegion: MaskedAutoencoder.LossRegion {
    switch self {
    case .hidden: .hidden
    case .all: .all
    }
  }
}
