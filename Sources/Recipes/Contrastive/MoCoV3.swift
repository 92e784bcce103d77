import ContrastiveLearning
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import TorchOptim

// Paper:     Chen, Xie and He (2021), arXiv:2104.02057, §4 and 5, with BYOL's two views (Grill et
//            al., 2020, arXiv:2006.07733, Table 6). Norms and biases are not decayed here.
// Accuracy:  ImageNet-1K top-1 %, fine-tuned / linear probe: B 83.2 / 76.7, L 84.1 / 77.6
//            (Chen et al., 2021, Table 4; He et al., 2022, Tables 3 and 12).
// Hours:     ViT-L 36 on 128 TPUv3 (He et al., 2022, §4.3).
// Command:   mae contrastive IMAGENET/train --out RUN --recipe moco-v3-vit-base
extension RecipeBook<ContrastiveRecipe>.Entry {
  /// MoCo v3 on ImageNet-1K: ViT-Base and -Large, 300 epochs.
  static let mocoV3: [Self] = [
    mocoV3("base", .base, accuracy: "83.2 / 76.7", hours: "not published"),
    mocoV3("large", .large, accuracy: "84.1 / 77.6", hours: "36 on 128 TPUv3"),
  ]

  private static func mocoV3(
    _ size: String, _ encoder: TransformerShape, accuracy: String, hours: String
  ) -> Self {
    let title = "ViT-\(size.capitalized)/16, 300 epochs"
    let name = "moco-v3-vit-\(size)"
    return Self(
      ContrastiveRecipe(
        name: name, note: "Chen et al. (2021), MoCo v3: \(title)",
        model: ModelConfiguration(encoder: encoder, decoder: nil),
        batch: BatchRecipe(size: 4096)),
      summary: "MoCo v3: \(title); \(accuracy)",
      header: [
        "Paper:    Chen, Xie and He (2021), arXiv:2104.02057; views of Grill et al. (2020), Table 6",
        "Accuracy: ImageNet-1K top-1 %, fine-tuned / linear probe: \(accuracy)",
        "Hours:    \(hours)",
        "Command:  mae contrastive IMAGENET/train --out RUN --recipe \(name)",
        "          Images are told from those of their own batch: over several machines mae launch",
        "          shares it, and --set batch.accumulation=N does not take its place",
      ])
  }
}

// Paper:     the method of Chen, Xie and He (2021), arXiv:2104.02057; sizes for one machine.
// Accuracy:  not published for this batch and length.
// Hours:     `mae contrastive` prints an estimate for the machine before it starts.
// Command:   mae contrastive DATA --out RUN
extension RecipeBook<ContrastiveRecipe>.Entry {
  /// The recipe of a run that names none: ViT-Small at 224 × 224.
  static let contrastive = Self(
    ContrastiveRecipe(
      name: "contrastive", note: "MoCo v3: ViT-Small, 224 × 224, patch 16, for one machine",
      model: ModelConfiguration(encoder: .small, decoder: nil),
      batch: BatchRecipe(size: 64),
      schedule: ScheduleRecipe(epochs: 100, warmupEpochs: 10),
      checkpoints: CheckpointRecipe(everyEpochs: 5)),
    summary: "MoCo v3: ViT-Small, 224 × 224, batch 64, 100 epochs: a start on one machine",
    header: [
      "Paper:    Chen, Xie and He (2021), arXiv:2104.02057, with sizes for one machine",
      "Accuracy: not published for this batch and length; the paper finds larger batches better",
      "Hours:    depend on the machine; the first lines of a run give an estimate",
      "Command:  mae contrastive DATA --out RUN",
    ])
}

// Paper:     the method of Chen, Xie and He (2021), arXiv:2104.02057; the data are Xiao et al.
//            (2017), arXiv:1708.07747.
// Accuracy:  not published for these values.
// Hours:     0.2 on two cores.
// Command:   mae contrastive fashion-mnist --out RUN --recipe moco-v3-fashion-mnist
extension RecipeBook<ContrastiveRecipe>.Entry {
  /// The encoder of `demo-fashion-mnist`, learned by contrast.
  static let mocoV3FashionMNIST = Self(
    ContrastiveRecipe(
      name: "moco-v3-fashion-mnist",
      note: "some minutes on two cores, 28 × 28, one channel, patch 4",
      model: ModelConfiguration(
        height: 28, width: 28, channels: 1, patch: 4,
        encoder: TransformerShape(width: 128, depth: 4, heads: 4), decoder: nil),
      heads: ContrastiveHeads(hidden: 512, output: 64),
      data: DataRecipe(
        scale: 0.2...1, normalization: .given(mean: [0.286], std: [0.353])),
      optimizer: OptimizerRecipe(baseLearningRate: 2e-3, weightDecay: 0.1),
      batch: BatchRecipe(size: 128),
      schedule: ScheduleRecipe(epochs: 1, warmupEpochs: 0.2),
      checkpoints: CheckpointRecipe(everyEpochs: 1),
      logging: ContrastiveRecipe.Logging(everySteps: 25)),
    summary: "MoCo v3: 28 × 28, one channel, patch 4, 1 epoch, some minutes on two cores",
    header: [
      "Paper:    Chen, Xie and He (2021), arXiv:2104.02057; the data are Xiao et al. (2017),",
      "          arXiv:1708.07747",
      "Accuracy: not published for these values",
      "Hours:    0.2 on two cores",
      "Command:  mae contrastive fashion-mnist --out RUN --recipe moco-v3-fashion-mnist",
    ])
}
