public import Datasets
import FileSystem
import Foundation
public import Imaging
public import MaskedAutoencoders
public import RecipeSyntax
public import Torch

// A recipe's words as the values that the loader and the engine take.

extension DataRecipe {
  /// The augmentation that the recipe describes.
  public var augmentation: Augmentation {
    let strength = jitter
    return Augmentation(
      crop: crop, minScale: scale.lowerBound, maxScale: scale.upperBound,
      minRatio: ratio.lowerBound, maxRatio: ratio.upperBound, flip: flip,
      // The proportions customary in contrastive learning (Chen et al., 2020, A).
      jitter: ColorJitter(
        brightness: 0.8 * strength, contrast: 0.8 * strength, saturation: 0.8 * strength,
        hue: 0.2 * strength),
      filter: interpolation,
      turning: verticalFlip > 0 || rotate90 > 0
        ? RandomTurning(verticalFlip: verticalFlip, rotate90: rotate90) : nil)
  }

  /// The augmentation for images of a size, where `center` and `random-fixed` crops keep of a
  /// resized image what evaluation keeps, see ``/Imaging/Augmentation/centerFraction(for:)``.
  public func augmentation(for size: PixelSize) -> Augmentation {
    var fitted = augmentation
    fitted.centerFraction = Augmentation.centerFraction(for: size)
    return fitted
  }

  /// What batches hold.
  package var output: PixelOutput { normalizeOnDevice ? .bytes : .floats }

  /// The order in which the recipe shows a set's images.
  package func sampling(_ batch: BatchRecipe) -> Sampling {
    let order: Sampling.Shuffle =
      switch shuffle {
      case .exact: .exact
      case .buffered: .buffered(shuffleBuffer)
      case .lanes: .lanes(count: lanes, buffer: shuffleBuffer)
      case .none: .none
      }
    return Sampling(shuffle: order, repeats: repeats, accumulation: batch.accumulation)
  }

  /// Mean and deviation in numbers.
  ///
  /// - Precondition: A computed or inherited one has been resolved.
  public func pixelNormalization(channels: Int) -> PixelNormalization {
    switch normalization {
    case .imageNet: .imageNet
    case .none:
      PixelNormalization(
        mean: [Double](repeating: 0, count: channels),
        std: [Double](repeating: 1, count: channels))
    case .given(let mean, let std): PixelNormalization(mean: mean, std: std)
    case .computed, .inherited:
      preconditionFailure("the normalisation has not been resolved yet")
    }
  }

  /// The recipe with a range of values and a normalisation that were to be computed in numbers.
  public func resolvingNormalization(
    from dataset: any ImageDataset, named name: String, channels: Int, seed: UInt64
  ) throws -> DataRecipe {
    try requireLanes(of: dataset, named: name)
    var resolved = try resolvingValueRange(from: dataset, named: name, seed: seed)
    guard normalization == .computed else { return resolved }
    let found = try PixelStatistics(
      of: dataset, path: name, channels: channels, seed: seed,
      valueRange: resolved.valueRange.range, raster: rasterSettings
    ).normalization
    let isRaster = rasterSettings != nil
    resolved.normalization = .given(
      mean: found.mean.map { isRaster ? $0.significant9 : $0.rounded6 },
      std: found.std.map { isRaster ? $0.significant9 : $0.rounded6 })
    return resolved
  }
}

extension DataRecipe {
  /// Refuses sets that cannot be cut into lanes.
  private func requireLanes(
    of dataset: any ImageDataset, named name: String
  ) throws(RecipeErrors) {
    guard shuffle == .lanes else { return }
    let parts = dataset.layout.parts.count
    guard parts == 1 else {
      throw RecipeErrors(
        "data.shuffle",
        "is lanes, which is for one set, and \(name) is a mixture of \(parts); use buffered")
    }
    guard dataset.count >= lanes else {
      throw RecipeErrors(
        "data.lanes", "is \(lanes), and \(name) has \(dataset.count) images; use fewer")
    }
  }

  /// Refuses batches whose pixels alone are more than the machine's memory holds.
  public func requireMemory(
    forBatchesOf size: Int, _ model: ModelConfiguration
  ) throws(RecipeErrors) {
    let image = output.byteCount * model.channels * model.height * model.width
    let needed = Double(size) * Double(image) * Double(prefetch + 2)
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard needed < 0.8 * memory else {
      throw RecipeErrors(
        "batch.size",
        "is \(size) and data.prefetch \(prefetch): the pixels alone take "
          + "\(Formatted.fixed(needed / 1e9, 1)) GB of \(Formatted.fixed(memory / 1e9, 1)); use a smaller "
          + "batch.size, with batch.accumulation to keep the effective batch")
    }
  }
}

extension CheckpointRecipe {
  /// Optimizer steps between checkpoints.
  package func steps(_ stepsPerEpoch: Int) -> Int {
    let each = [everySteps, everyEpochs.map { $0 * stepsPerEpoch }]
    return max(1, each.compactMap { $0 }.min() ?? .max)
  }
}

extension DataRecipe {
  /// Threads that decode.
  public var threads: Int {
    workers > 0 ? workers : HostLimits.cores
  }
}

extension Precision {
  /// The type of matrix products; nil for float32, and for `auto` as long as nothing is chosen.
  public var type: DType? {
    switch self {
    case .float32, .auto: nil
    case .bfloat16: .bfloat16
    }
  }
}

extension Double {
  /// Rounded to six decimals, so that it reads back from YAML as it is.
  fileprivate var rounded6: Double { (self * 1e6).rounded() / 1e6 }

  /// Rounded to nine digits, whatever the unit.
  fileprivate var significant9: Double {
    guard self != 0, isFinite else { return self }
    return Double(String(format: "%.9g", self)) ?? self
  }
}
