import Datasets
import MaskedAutoencoders

// Paper:     the method of He et al. (2022), arXiv:2111.06377; sizes for one machine.
// Accuracy:  not published for this batch and length. Re-implementations reach 83.1 % fine-tuned and
//            60.8 % with a linear probe after 300 epochs on ImageNet (MMPretrain).
// Hours:     `mae pretrain` prints an estimate for the machine before it starts.
// Command:   mae pretrain DATA --out RUN
extension RecipeBook<PretrainingRecipe>.Entry {
  /// The recipe of a run that names none: ViT-Base at 224 × 224.
  static let oneMachine = Self(
    PretrainingRecipe(
      name: "default",
      note: "ViT-Base, 224 × 224, patch 16, for one machine",
      model: ModelConfiguration(encoder: .base, decoder: .paperDecoder),
      batch: BatchRecipe(size: 64),
      schedule: ScheduleRecipe(epochs: 200, warmupEpochs: 20),
      checkpoints: CheckpointRecipe(everyEpochs: 5),
      logging: PretrainingRecipe.Logging(reconstructionsEveryEpochs: 5)),
    summary: "ViT-Base, 224 × 224, batch 64, 200 epochs: a start on one machine",
    header: [
      "Paper:    He et al. (2022), arXiv:2111.06377, with sizes for one machine",
      "Accuracy: not published for this batch and length; re-implementations reach 83.1 % fine-tuned",
      "          and 60.8 % with a linear probe after 300 epochs on ImageNet",
      "Hours:    depend on the machine; the first lines of a run give an estimate",
      "Command:  mae pretrain DATA --out RUN",
    ])
}
