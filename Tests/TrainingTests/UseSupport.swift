@testable import Inference
@testable import Runs
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Torch
import TorchNN

extension TemporaryRun {
  /// An untrained model of 16² gray pixels, as a checkpoint: a classifier where there are class names.
  @discardableResult
  func makeModel(
    _ name: String = "model", classes: [String]? = nil,
    pooling: ClassifierHead.Pooling = .normalizedMean, side: Int = 16, channels: Int = 1
  ) throws -> LoadedModel {
    let configuration = ModelConfiguration(
      height: side, width: side, channels: channels, patch: 4,
      encoder: TransformerShape(width: 16, depth: 2, heads: 2),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2))
    let store = ParameterStore(initializing: Generator(seed: 3))
    let mean = [Double](repeating: 0.5, count: channels)
    let deviation = [Double](repeating: 0.25, count: channels)
    let description: ModelDescription
    if let classes {
      let head = ClassifierHead(pooling: pooling, classes: classes.count)
      // Weights of the head large enough that images are told apart.
      _ = ImageClassifier(configuration, head: head, deviation: 0.5, in: store.root)
      description = ModelDescription(
        model: configuration, classifier: .init(head: head, classNames: classes), mean: mean,
        deviation: deviation)
    } else {
      _ = MaskedAutoencoder(configuration, in: store.root)
      description = ModelDescription(
        model: configuration, mean: mean, deviation: deviation)
    }
    try Checkpoint(path: self(name)).write(description, weights: store.weights)
    return try LoadedModel(self(name))
  }
}

/// Pictures of several sizes and some that cannot be decoded.
func mixedPictures(_ count: Int, broken: Set<Int> = [], labels: [Int]? = nil) -> ToyDataset {
  ToyDataset(
    images: (0..<count).map { TemporaryRun.picture($0, side: 16 + 3 * ($0 % 4)) }, labels: labels,
    broken: broken)
}

extension LoadedModel {
  /// The images of a set as the model takes them, one after the other, `[n, C, H, W]`.
  func inputs(_ images: any ImageDataset, _ chosen: [Int]? = nil) throws -> Tensor {
    concatenated(
      try (chosen ?? Array(0..<images.count)).map { try input(images.content(of: $0)) })
  }
}
