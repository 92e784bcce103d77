import MaskedAutoencoders
import Recipes

/// A step that benchmarks are known by.
struct StepWorkload: Sendable {
  /// What the model learns.
  enum Task: Sendable {
    /// What is hidden of images; 75 % at random unless set.
    case pretraining(Masking)
    /// Classes, as a recipe regularises it.
    case finetuning(FinetuningRecipe)
  }

  /// `base`, `finetune-small` and so on.
  let name: String
  /// The model; 224², patches of 16, and the paper's decoder unless set.
  var configuration = ModelConfiguration()
  /// Images in a step.
  var batch: Int
  /// What it learns.
  var task = Task.pretraining(Masking())

  /// All of them, each with what it is, for the help.
  static let named: [StepWorkload] = [
    StepWorkload(
      name: "small",
      configuration: ModelConfiguration(
        height: 32, width: 32, patch: 4,
        encoder: TransformerShape(width: 192, depth: 6, heads: 6),
        decoder: TransformerShape(width: 96, depth: 2, heads: 3)),
      batch: 256),
    StepWorkload(name: "base", batch: 16),
    // What fits in the memory of a small machine.
    StepWorkload(name: "large", configuration: ModelConfiguration(encoder: .large), batch: 1),
    StepWorkload(
      name: "huge", configuration: ModelConfiguration(patch: 14, encoder: .huge), batch: 1),
    finetuning("tiny", .tiny), finetuning("small", .small), finetuning("base", .base),
  ]

  private static func finetuning(_ name: String, _ encoder: TransformerShape) -> StepWorkload {
    StepWorkload(
      name: "finetune-\(name)",
      configuration: ModelConfiguration(encoder: encoder, decoder: nil), batch: 16,
      task: .finetuning(FinetuningRecipe(name: "step")))
  }

  /// The names, as a sentence lists them.
  static var names: String {
    named.dropLast().map(\.name).joined(separator: ", ") + " or " + named[named.count - 1].name
  }
}
