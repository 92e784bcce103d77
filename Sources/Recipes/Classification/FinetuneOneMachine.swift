import Datasets
import Imaging
import MaskedAutoencoders
import TorchOptim

// Paper:     the method of He et al. (2022), arXiv:2111.06377; sizes for one machine and any set of labelled
//            images.
// Accuracy:  depends on the set.
// Command:   mae finetune RUN DATA
extension RecipeBook<FinetuningRecipe>.Entry {
  /// Fine-tuning a pre-trained encoder on a set of one's own, all of it or the last blocks.
  static let oneMachine: [Self] = [
    Self(
      FinetuningRecipe(
        name: "finetune",
        note: "fine-tuning on one machine: the published code's values, batch 64, 50 epochs",
        regularization: .init(erasing: 0.25),
        optimizer: .finetuning(baseLearningRate: 5e-4, minimumLearningRate: 1e-6),
        batch: .init(size: 64), schedule: .init(epochs: 50, warmupEpochs: 5),
        checkpoints: .init(everyEpochs: 5, keep: 1), logging: .init(evaluateEveryEpochs: 5)),
      summary: "any labelled images, batch 64, 50 epochs: a start on one machine",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, the published code's values with sizes for one machine",
        "Accuracy: depends on the set",
        "Command:  mae finetune RUN DATA",
      ]),
    Self(
      FinetuningRecipe(
        name: "finetune-few-labels",
        note: "fine-tuning on tens to some thousands of images: gentle augmentation, many epochs",
        regularization: .init(dropPath: 0, mixup: 0, cutmix: 0, randAugment: nil),
        data: .init(
          scale: 0.2...1, normalization: .inherited, valueRange: .inherited, channels: .inherited),
        optimizer: .finetuning(baseLearningRate: 4e-3),
        batch: .init(size: 32), schedule: .init(epochs: 100, warmupEpochs: 10),
        checkpoints: .init(everyEpochs: 20, keep: 1),
        logging: .init(everySteps: 10, evaluateEveryEpochs: 20)),
      summary: "tens to some thousands of labelled images, batch 32, 100 epochs",
      header: [
        "Paper:    the method of He et al. (2022), arXiv:2111.06377; values for sets that it does not have",
        "Accuracy: depends on the set",
        "Command:  mae finetune RUN DATA --recipe finetune-few-labels",
      ]),
    Self(
      FinetuningRecipe(
        name: "linear-probe",
        note: "the paper's linear probe with a smaller batch, for one machine",
        head: .init(pooling: .classToken, std: 0.01, batchNorm: true),
        trainableBlocks: 0, regularization: .none,
        data: .init(
          crop: .randomClipped, scale: 0.08...1, normalization: .inherited, valueRange: .inherited,
          channels: .inherited),
        optimizer: .init(kind: .lars, baseLearningRate: 0.1, layerDecay: 1, weightDecay: 0),
        batch: .init(size: 512), schedule: .init(epochs: 90, warmupEpochs: 10)),
      summary: "Table 10 with batch 512: linear probe of any labelled images",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 10, with a batch for one machine",
        "Accuracy: depends on the set",
        "Command:  mae finetune RUN DATA --recipe linear-probe",
      ]),
  ]
}
