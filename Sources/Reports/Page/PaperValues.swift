import Datasets
import Runs

/// What the paper reports for settings that are its own (He et al., 2022): ImageNet-1K, top-1 in per
/// cent.
enum PaperValues {
  /// The paper's value beside a result; nil where recipe, encoder or data are not the paper's.
  static func top1(_ result: RunResults.TrainedClassifier) -> (percent: Double, place: String)? {
    guard result.classes == 1000, result.labelShare == 1, result.isAsNamed == true else {
      return nil
    }
    let size = ["768 × 12": 0, "1024 × 24": 1, "1280 × 32": 2]
      .first { result.encoder.hasPrefix($0.key + ",") }?.value
    guard let size else { return nil }
    if result.recipe == "paper-table10-linear-probe", result.blocks == 0 {
      return ([68.0, 75.8, 76.6][size], "Table 12")
    }
    guard result.recipe.hasSuffix(["-vit-base", "-vit-large", "-vit-huge"][size]) else {
      return nil
    }
    let isTable9 =
      result.recipe.hasPrefix("paper-table9-") || result.recipe.hasPrefix("finetune-vit-")
    switch result.blocks {
    case nil where result.recipe.hasPrefix("paper-table11-") && result.isFromScratch:
      return ([82.3, 82.6, 83.1][size], "Table 3")
    case nil where isTable9 && !result.isFromScratch:
      return ([83.6, 85.9, 86.9][size], "Table 3")
    case let blocks? where isTable9 && size == 1 && !result.isFromScratch:
      return partial.first { $0.blocks == blocks }.map { ($0.percent, "Figure 9") }
    default: return nil
    }
  }

  /// ViT-Large by the number of blocks that are fine-tuned (Figure 9 and §4.3).
  private static let partial: [(blocks: Double, percent: Double)] = [
    (0.5, 79.1), (1, 81.0), (2, 83.1), (4, 84.2), (6, 84.4), (12, 84.6), (18, 84.7),
    (24, 84.9),
  ]
}
