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
  private let masking: Masking
  private let region: MaskedAutoencoder.LossRegion
  private let seed: UInt64

  /// Makes a model with its first weights, all drawn from the recipe's seed.
  public init(_ recipe: Recipe, description: ModelDescription, on device: Device) {
    self.description = description
    seed = recipe.seed
    masking = recipe.masking
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

/// What random numbers are for: equal seeds give unrelated numbers to unrelated purposes.
enum Stream {
  static let weights: UInt64 = 1
  static let masks: UInt64 = 2
  static let pictures: UInt64 = 3
  static let mixing: UInt64 = 4
  static let paths: UInt64 = 5
  static let labels: UInt64 = 6
}

extension Recipe.Loss.Region {
  fileprivate var lossRegion: MaskedAutoencoder.LossRegion {
    switch self {
    case .hidden: .hidden
    case .all: .all
    }
  }
}
