import RecipeSyntax

/// Names that fields of recipes had before; they are read for one version, with a note that names
/// the new ones.
enum RenamedFields {
  static let all: [(old: FieldPath, new: FieldPath)] = [
    ("budget", "schedule"), ("monitor", "logging"), ("average", "ema"),
    ("trained.blocks", "trainableBlocks"), ("head.deviation", "head.std"),
    ("optimizer.baseRate", "optimizer.baseLearningRate"),
    ("optimizer.minimumRate", "optimizer.minimumLearningRate"),
  ]
}
