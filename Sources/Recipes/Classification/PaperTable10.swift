import Datasets
import Imaging
import MaskedAutoencoders
import TorchOptim

// Paper:     He et al. (2022), arXiv:2111.06377, Table 10: the class token, a batch normalisation without
//            weights of its own, LARS; random resized crops as in the published code (scale 0.08–1).
// Accuracy:  ImageNet-1K top-1 %: B 68.0, L 75.8, H 76.6 (Table 12); the published code has 67.8, 76.0
//            and 77.2.
// Command:   mae finetune RUN IMAGENET --out OUT --recipe paper-table10-linear-probe
extension RecipeBook<FinetuningRecipe>.Entry {
  /// Linear probing on ImageNet-1K.
  static let paperTable10: [Self] = [
    Self(
      FinetuningRecipe(
        name: "paper-table10-linear-probe",
        note: "He et al. (2022), Table 10: a linear classifier on the frozen class token",
        head: .init(pooling: .classToken, std: 0.01, batchNorm: true),
        trainableBlocks: 0, regularization: .none,
        data: .init(
          crop: .randomClipped, scale: 0.08...1, normalization: .inherited, valueRange: .inherited,
          channels: .inherited),
        optimizer: .init(kind: .lars, baseLearningRate: 0.1, layerDecay: 1, weightDecay: 0),
        batch: .init(size: 16_384), schedule: .init(epochs: 90, warmupEpochs: 10)),
      summary: "Table 10: linear probe, LARS, 90 epochs; 68.0 / 75.8 / 76.6",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 10",
        "Accuracy: ImageNet-1K top-1 %: ViT-B 68.0, ViT-L 75.8, ViT-H 76.6 (Table 12); 50 epochs are enough",
        "          for ViT-L and ViT-H (published code)",
        "Command:  mae finetune RUN IMAGENET --out OUT --recipe paper-table10-linear-probe",
        "          16384 images a step: where they do not fit, add",
        "          --set batch.size=1024 --set batch.accumulation=16",
      ])
  ]
}
