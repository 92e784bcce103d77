import MaskedAutoencoders

// Paper:     He et al. (2022), arXiv:2111.06377, Table 1: the entry marked in grey, which each ablation
//            changes in one respect; pixels that are not normalized.
// Accuracy:  ImageNet-1K top-1 %: 84.9 fine-tuned, 73.5 with a linear probe.
// Hours:     15.4 on 128 TPUv3 (Table 2), about 42 on 64 V100 (published code).
// Command:   mae pretrain IMAGENET/train --out RUN --recipe paper-table1-baseline
//              --set batch.size=64 --set batch.accumulation=64
extension RecipeBook<PretrainingRecipe>.Entry {
  /// What the ablations start from.
  static let paperTable1: [Self] = [
    Self(
      PretrainingRecipe(
        name: "paper-table1-baseline",
        note: "He et al. (2022), Table 1: ViT-Large/16, 800 epochs, pixels",
        model: ModelConfiguration(encoder: .large, target: .pixels)),
      summary: "Table 1: ViT-Large/16, 800 epochs, pixels, which the ablations vary; 84.9 / 73.5",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 1, the entry that ablations start from",
        "Accuracy: ImageNet-1K top-1 %, fine-tuned / linear probe: 84.9 / 73.5",
        "Hours:    15.4 on 128 TPUv3, about 42 on 64 V100",
        "Command:  mae pretrain IMAGENET/train --out RUN --recipe paper-table1-baseline",
        "          4096 images a step: where they do not fit, add",
        "          --set batch.size=64 --set batch.accumulation=64",
      ])
  ]
}
