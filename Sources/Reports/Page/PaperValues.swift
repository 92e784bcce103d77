import Datasets
import MaskedAutoencoders
public import Runs

/// What the paper reports for settings that are its own (He et al., 2022): ImageNet-1K, top-1 in
/// per cent.
enum PaperValues {
  /// The paper's value beside a result; nil where recipe, encoder or data are not the paper's.
  ///
  /// Results from before the value was kept with them have no shape: of those it is read from their
  /// words.
  static func top1(_ result: RunResults.TrainedClassifier) -> RunResults.PaperResult? {
    if result.training != nil { return result.paper }
    let sizes: [TransformerShape] = [.base, .large, .huge]
    guard let shape = sizes.first(where: { result.encoder == $0.words }) else { return nil }
    return paper(
      recipe: result.recipe, isAsNamed: result.isAsNamed == true, shape: shape,
      training: .init(blocks: result.blocks, isFromScratch: result.isFromScratch),
      blocks: result.blocks, classes: result.classes, labelShare: result.labelShare)
  }

  /// The paper's value of a setting; nil where recipe, encoder or data are not the paper's.
  ///
  /// - Parameters:
  ///   - recipe: The recipe's name.
  ///   - isAsNamed: Whether the recipe's values are those of that name.
  static func paper(
    recipe: String, isAsNamed: Bool, shape: TransformerShape,
    training: RunResults.TrainingProtocol, blocks: Double?, classes: Int, labelShare: Double
  ) -> RunResults.PaperResult? {
    guard classes == 1000, labelShare == 1, isAsNamed,
      let size = [TransformerShape.base, .large, .huge].firstIndex(of: shape)
    else { return nil }
    func value(_ bySize: [Double], _ place: String) -> RunResults.PaperResult {
      .init(percent: bySize[size], place: place)
    }
    let name = ["base", "large", "huge"][size]
    switch training {
    case .linearProbe where recipe == "paper-table10-linear-probe":
      return value([68.0, 75.8, 76.6], "Table 12")
    case .scratch where recipe == "paper-table11-scratch-vit-\(name)":
      return value([82.3, 82.6, 83.1], "Table 3")
    case .fineTuned where fineTuning(name).contains(recipe):
      return value([83.6, 85.9, 86.9], "Table 3")
    case .partial where name == "large" && fineTuning(name).contains(recipe):
      return partial.first { $0.blocks == blocks }.map {
        .init(percent: $0.percent, place: "Figure 9")
      }
    case .linearProbe, .scratch, .fineTuned, .partial: return nil
    }
  }

  /// The recipes of the paper's fine-tuning: its Table 9, and the published code's.
  private static func fineTuning(_ size: String) -> [String] {
    ["paper-table9-vit-\(size)", "finetune-vit-\(size)"]
  }

  /// ViT-Large by the number of blocks that are fine-tuned (Figure 9 and §4.3).
  private static let partial: [(blocks: Double, percent: Double)] = [
    (0.5, 79.1), (1, 81.0), (2, 83.1), (4, 84.2), (6, 84.4), (12, 84.6), (18, 84.7),
    (24, 84.9),
  ]
}

extension RunResults.TrainedClassifier {
  /// Keeps what the paper reports for the setting with the result.
  ///
  /// - Parameter isAsNamed: Whether the recipe's values are those of its name.
  public mutating func compare(withPaperAs isAsNamed: Bool) {
    self.isAsNamed = isAsNamed
    guard let training, let shape else { return }
    paper = PaperValues.paper(
      recipe: recipe, isAsNamed: isAsNamed, shape: shape, training: training, blocks: blocks,
      classes: classes, labelShare: labelShare)
  }
}
