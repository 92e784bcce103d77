import Datasets
import Imaging
import MaskedAutoencoders
import TorchOptim

// Paper:     the method of He et al. (2022), arXiv:2111.06377; the data are Xiao et al. (2017),
//            arXiv:1708.07747.
// Accuracy:  printed at the end of the demo; a short run, so features that probe modestly.
// Hours:     0.1 on two cores.
// Command:   mae pretrain fashion-mnist --out RUN --recipe demo-fashion-mnist
extension RecipeBook<PretrainingRecipe>.Entry {
  /// What `make demo` trains.
  static let fashionMNIST = Self(
    PretrainingRecipe(
      name: "demo-fashion-mnist",
      note: "a few minutes on two cores, 28 × 28, one channel, patch 4",
      model: ModelConfiguration(
        height: 28, width: 28, channels: 1, patch: 4,
        encoder: TransformerShape(width: 128, depth: 4, heads: 4),
        decoder: TransformerShape(width: 64, depth: 2, heads: 4), target: .pixels),
      data: DataRecipe(
        crop: .none, normalization: .given(mean: [0.286], std: [0.353])),
      optimizer: .pretraining(baseLearningRate: 2e-3),
      batch: BatchRecipe(size: 128),
      schedule: ScheduleRecipe(epochs: 3, warmupEpochs: 0.5),
      checkpoints: CheckpointRecipe(everyEpochs: 1),
      logging: PretrainingRecipe.Logging(everySteps: 25, reconstructionsEveryEpochs: 1)),
    summary: "28 × 28, one channel, patch 4, 3 epochs: what `make demo` trains",
    header: [
      "Paper:    He et al. (2022), arXiv:2111.06377; the data are Xiao et al. (2017), arXiv:1708.07747",
      "Accuracy: the demo prints it; a short run gives features that probe modestly",
      "Hours:    0.1 on two cores",
      "Command:  mae pretrain fashion-mnist --out RUN --recipe demo-fashion-mnist",
    ])
}
