import Datasets
import Imaging
import MaskedAutoencoders

// Paper:     the method of He et al. (2022), arXiv:2111.06377; the data are Xiao et al. (2017),
//            arXiv:1708.07747.
// Accuracy:  see Benchmarks/Results.
// Command:   mae finetune RUN fashion-mnist --recipe finetune-fashion-mnist
extension RecipeBook<FinetuningRecipe>.Entry {
  /// Fashion-MNIST: all labels, and one in a hundred.
  static let fashionMNIST: [Self] = [
    entry(
      "finetune-fashion-mnist", "all labels, 2 epochs", labels: .init(), crop: .none, epochs: 2,
      batch: 128, rate: 8e-3),
    entry(
      "finetune-fashion-mnist-1-percent", "1 % of the labels, 60 epochs",
      labels: .init(fraction: 0.01),
      crop: .randomFixed, epochs: 60, batch: 64, rate: 2e-3),
  ]

  private static func entry(
    _ name: String, _ title: String, labels: FinetuningRecipe.Labels, crop: CropMode,
    epochs: Int,
    batch: Int, rate: Double
  ) -> Self {
    Self(
      FinetuningRecipe(
        name: name, note: "Fashion-MNIST, 28 × 28, \(title)", labels: labels,
        regularization: .init(
          dropPath: 0, mixup: 0, cutmix: 0, randAugment: nil),
        data: .init(
          crop: crop, normalization: .inherited, valueRange: .inherited, channels: .inherited),
        optimizer: .finetuning(baseLearningRate: rate), batch: .init(size: batch),
        schedule: .init(epochs: epochs, warmupEpochs: Double(epochs) / 10),
        checkpoints: .init(everyEpochs: nil, keep: 1), logging: .init(everySteps: 25)),
      summary: "Fashion-MNIST, \(title)",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377; the data are Xiao et al. (2017), arXiv:1708.07747",
        "Accuracy: what `make compare` measured is in Benchmarks/Results",
        "Command:  mae finetune RUN fashion-mnist --recipe \(name)",
      ])
  }
}
