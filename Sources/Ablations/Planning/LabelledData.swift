import Datasets
import Inference
import Recipes

/// What is known of the data before time is spent.
struct LabelledData: Sendable {
  /// Images that are pre-trained on.
  let images: Int
  /// Images with labels that are fine-tuned on.
  let labelled: Int
  /// Images with labels that a probe is fitted on.
  let probed: Int
  /// Images that are validated on.
  let validated: Int
  /// Number of classes.
  let classes: Int
  /// What tells the data from others, a line for each part.
  let identity: [String]
  /// What a user may not expect of the data.
  let warnings: [String]

  /// Opens the data.
  ///
  /// - Throws: `DatasetError` or `RunFailure` where they have no labels, or are not there.
  init(_ settings: AblationPlan.Settings, _ scale: AblationScale) throws {
    func splits(_ labels: FinetuningRecipe.Labels, limit: Int? = nil) throws -> LabelledSplits {
      try LabelledSplits(
        settings.data, validation: settings.validation, labels: labels, limit: limit, seed: 0)
    }
    let tuned = try splits(scale.finetuning.labels)
    switch scale.probe {
    case .exact(let limit): probed = try splits(.init(), limit: limit).training.count
    case .trained(let recipe): probed = try splits(recipe.labels).training.count
    }
    let all = try openDataset(at: settings.data)
    images = all.count
    labelled = tuned.training.count
    validated = tuned.validation.count
    classes = tuned.classes.count
    identity =
      ["data: \(all.fingerprint())"]
      + (try settings.validation.map { path in
        let set = try? openDataset(at: path, split: .validation, classes: tuned.classes)
        return ["validation: \(try (set ?? openDataset(at: path)).fingerprint())"]
      } ?? [])
    warnings = tuned.warnings
  }
}
