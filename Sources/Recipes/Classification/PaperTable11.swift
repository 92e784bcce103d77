import Datasets
import Foundation
import MaskedAutoencoders

// Paper:     He et al. (2022), arXiv:2111.06377, Table 11: supervised training from scratch, what is not
//            listed is off.
// Accuracy:  ImageNet-1K top-1 %, with the average of weights: B 82.3, L 82.6, H 83.1 (Table 3).
// Command:   mae scratch IMAGENET --out OUT --recipe paper-table11-scratch-vit-large
extension RecipeBook<FinetuningRecipe>.Entry {
  /// Training from scratch on ImageNet-1K.
  static let paperTable11: [Self] = [
    table11("base", .base, patch: 16, epochs: 300, dropPath: 0.1, accuracy: "82.3"),
    table11("large", .large, patch: 16, epochs: 200, dropPath: 0.2, accuracy: "82.6"),
    table11("huge", .huge, patch: 14, epochs: 200, dropPath: 0.2, accuracy: "83.1"),
  ]

  private static func table11(
    _ size: String, _ encoder: TransformerShape, patch: Int, epochs: Int, dropPath: Double,
    accuracy: String
  ) -> Self {
    let name = "paper-table11-scratch-vit-\(size)"
    let title = "ViT-\(size.capitalized)/\(patch), \(epochs) epochs from scratch"
    return Self(
      FinetuningRecipe(
        name: name, note: "He et al. (2022), Table 11: \(title)",
        model: ModelConfiguration(patch: patch, encoder: encoder),
        head: .init(pooling: .classToken, std: 0.02),
        regularization: .init(dropPath: dropPath),
        data: .init(scale: 0.08...1, normalization: .imageNet),
        optimizer: .init(baseLearningRate: 1e-4, layerDecay: 1, beta2: 0.95, weightDecay: 0.3),
        ema: 0.9999, batch: .init(size: 4096), schedule: .init(epochs: epochs, warmupEpochs: 20)),
      summary: "Table 11: \(title); \(accuracy)",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 11",
        "Accuracy: ImageNet-1K top-1 %: \(accuracy), with the average of weights",
        "Command:  mae scratch IMAGENET --out OUT --recipe \(name)",
        "          4096 images a step: where they do not fit, add",
        "          --set batch.size=64 --set batch.accumulation=64",
      ])
  }
}
