import Datasets
import Foundation
import MaskedAutoencoders

// Paper:     He et al. (2022), arXiv:2111.06377, Table 8, with the crop of the published code
//            (scale 0.2–1, bicubic), which the paper does not state.
// Accuracy:  ImageNet-1K top-1 %, fine-tuned / linear probe
//              1600 epochs   B 83.6 / 68.0   L 85.9 / 75.8   H 86.9 / 76.6   (Tables 3 and 12)
//              800 epochs    L 85.4 / 73.9                                   (Table 1d)
//                            B 83.3 / 65.1                                   (MMPretrain)
// Hours:     ViT-L, 800 epochs: 15.4 on 128 TPUv3 (Table 2), about 42 on 64 V100 (published code);
//            1600 epochs: 31 on 128 TPUv3. ViT-H, 800 epochs: 34.5 on 128 TPUv3.
// Command:   mae pretrain IMAGENET/train --out RUN --recipe paper-table8-vit-large
//              --set batch.size=64 --set batch.accumulation=64
extension RecipeBook<PretrainingRecipe>.Entry {
  /// Pre-training on ImageNet-1K: ViT-Base, -Large and -Huge, 1600 and 800 epochs.
  static let paperTable8: [Self] = [
    table8("base", .base, patch: 16, epochs: 1600, accuracy: "83.6 / 68.0", hours: nil),
    table8(
      "large", .large, patch: 16, epochs: 1600, accuracy: "85.9 / 75.8", hours: "31 on 128 TPUv3"),
    table8("huge", .huge, patch: 14, epochs: 1600, accuracy: "86.9 / 76.6", hours: nil),
    table8(
      "base", .base, patch: 16, epochs: 800,
      accuracy: "83.3 / 65.1 (MMPretrain; the paper has none)", hours: nil),
    table8(
      "large", .large, patch: 16, epochs: 800, accuracy: "85.4 / 73.9",
      hours: "15.4 on 128 TPUv3, about 42 on 64 V100"),
    table8(
      "huge", .huge, patch: 14, epochs: 800, accuracy: "85.8 fine-tuned, with pixels as target",
      hours: "34.5 on 128 TPUv3"),
  ]

  private static func table8(
    _ size: String, _ encoder: TransformerShape, patch: Int, epochs: Int, accuracy: String,
    hours: String?
  ) -> Self {
    let title = "ViT-\(size.capitalized)/\(patch), \(epochs) epochs, normalized pixels"
    let name = "paper-table8-vit-\(size)" + (epochs == 1600 ? "" : "-\(epochs)")
    return Self(
      PretrainingRecipe(
        name: name, note: "He et al. (2022), Table 8: \(title)",
        model: ModelConfiguration(patch: patch, encoder: encoder),
        batch: BatchRecipe(size: 4096),
        schedule: ScheduleRecipe(epochs: epochs, warmupEpochs: 40)),
      summary: "Table 8: \(title); \(accuracy)",
      header: [
        "Paper:    He et al. (2022), arXiv:2111.06377, Table 8; crop of the published code",
        "Accuracy: ImageNet-1K top-1 %, fine-tuned / linear probe: \(accuracy)",
        "Hours:    \(hours ?? "not published")",
        "Command:  mae pretrain IMAGENET/train --out RUN --recipe \(name)",
        "          4096 images a step: where they do not fit, add",
        "          --set batch.size=64 --set batch.accumulation=64",
      ])
  }
}
