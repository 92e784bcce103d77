import Datasets
import MaskedAutoencoders

// Paper:     the method of He et al. (2022), arXiv:2111.06377; sizes as others use for CIFAR-10.
// Accuracy:  not published for these values.
// Hours:     depend on the machine; the first lines of a run give an estimate.
// Command:   mae pretrain DATA --out RUN --recipe small-images
extension RecipeBook<PretrainingRecipe>.Entry {
  /// Pictures of 32 × 32, such as CIFAR's.
  static let smallImages = Self(
    PretrainingRecipe(
      name: "small-images",
      note: "ViT-Tiny, 32 × 32, patch 4",
      model: ModelConfiguration(
        height: 32, width: 32, patch: 4, encoder: .tiny,
        decoder: TransformerShape(width: 192, depth: 4, heads: 3)),
      data: DataRecipe(normalization: .computed),
      batch: BatchRecipe(size: 512),
      schedule: ScheduleRecipe(epochs: 400, warmupEpochs: 20),
      checkpoints: CheckpointRecipe(everyEpochs: 10)),
    summary: "ViT-Tiny, 32 × 32, patch 4, batch 512, 400 epochs: CIFAR and the like",
    header: [
      "Paper:    He et al. (2022), arXiv:2111.06377, with sizes as others use for CIFAR-10",
      "Accuracy: not published for these values",
      "Hours:    depend on the machine; the first lines of a run give an estimate",
      "Command:  mae pretrain DATA --out RUN --recipe small-images",
    ])
}
