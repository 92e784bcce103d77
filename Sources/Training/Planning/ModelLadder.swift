package import Datasets
import Imaging
package import MaskedAutoencoders

/// What a set of images is like, as far as a model for it is chosen by that.
package struct SetFacts: Hashable, Sendable {
  /// Images.
  package var images: Int
  /// The shorter side of half of them is at least so many pixels.
  package var side: Int
  /// Whether all of them are gray.
  package var isGray: Bool

  package init(images: Int, side: Int, isGray: Bool) {
    self.images = images
    self.side = side
    self.isGray = isGray
  }

  /// Looks at some of a set's images.
  package init(of dataset: any ImageDataset, sample: Int = 64) {
    let summary = DatasetSummary(of: dataset, sample: sample)
    let sides = summary.sizes
      .flatMap { [Int](repeating: min($0.size.width, $0.size.height), count: $0.count) }.sorted()
    self.init(
      images: dataset.count, side: sides.isEmpty ? 224 : sides[sides.count / 2],
      isGray: !sides.isEmpty && summary.gray == sides.count)
  }

  /// Whether its images are so small that they are shown as they are.
  package var isSmall: Bool { side < 48 }
}

/// A model that may be chosen for a time: a rung of a ladder, the smallest first.
package struct LadderRung: Hashable, Sendable {
  /// What it is called: `ViT-Tiny`.
  package var name: String
  /// The network at its image size.
  package var model: ModelConfiguration
  /// Images, counted each time they are shown, from which on it is chosen over the rung below.
  ///
  /// From the published recipes: 800 epochs of ImageNet are 1,000 million for ViT-Base and ViT-Large,
  /// 400 epochs of CIFAR 20 million for ViT-Tiny; a tenth of these gives a model that is worth its size.
  package var wantedViews: Double
  /// The peak learning rate for a batch of 128; it grows with the root of the batch.
  package var peakLearningRate: Double

  /// The rungs for a set, in ascending order.
  package static func rungs(for set: SetFacts) -> [LadderRung] {
    let channels = set.isGray ? 1 : 3
    return named.map { name, encoder, decoder, side, patch, wanted, rate in
      var (side, patch) = (side, patch)
      if set.isSmall {
        // As they are, in 6 × 6 to 11 × 11 patches.
        patch = set.side >= 24 ? 4 : 2
        side = max(patch * 2, set.side / patch * patch)
      } else if side > set.side {
        side = max(48, set.side / patch * patch)
      }
      return LadderRung(
        name: name,
        model: ModelConfiguration(
          height: side, width: side, channels: channels, patch: patch, encoder: encoder,
          decoder: decoder),
        wantedViews: wanted, peakLearningRate: rate)
    }
  }

  private static let named:
    [(String, TransformerShape, TransformerShape, side: Int, patch: Int, Double, Double)] = [
      (
        "ViT of 4 blocks", TransformerShape(width: 128, depth: 4, heads: 4),
        TransformerShape(width: 64, depth: 2, heads: 4), 64, 8, 0, 1e-3
      ),
      (
        "ViT of 6 blocks", TransformerShape(width: 192, depth: 6, heads: 6),
        TransformerShape(width: 96, depth: 2, heads: 3), 64, 8, 1.5e6, 1e-3
      ),
      (
        "ViT-Tiny", .tiny, TransformerShape(width: 192, depth: 4, heads: 3), 96, 8, 5e6, 1e-3
      ),
      (
        "ViT-Small", .small, TransformerShape(width: 256, depth: 4, heads: 8), 160, 16, 20e6, 7e-4
      ),
      ("ViT-Base", .base, .paperDecoder, 224, 16, 100e6, 5e-4),
      ("ViT-Large", .large, .paperDecoder, 224, 16, 400e6, 5e-4),
    ]

  /// Floating-point operations of an image's training step.
  package var operations: Double {
    ModelCost(pretraining: model, kept: model.grid.count / 4).operations
  }

  /// Bytes that an image of a batch takes while a step is computed, in float32.
  package var bytesPerImage: Double {
    Double(ModelCost(pretraining: model, kept: model.grid.count / 4).blockValues) * 68
  }
}
