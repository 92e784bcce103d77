import Datasets
public import RecipeSyntax
import MaskedAutoencoders

extension FinetuningRecipe {
  /// Words that may be given instead of a whole shape, at `model.encoder`.
  public static var shorthands: [Overlay.Shorthand] { Recipe.shorthands }

  public var baseRate: Double { optimizer.baseRate }
  public var minimumRate: Double { optimizer.minimumRate }

  /// Everything that is wrong with the values, each with the field, what it is and what is allowed;
  /// empty when a classifier can be trained by them.
  public var problems: [FieldMistake] {
    var checks = Checks()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    for (path, message) in model?.problems ?? [] {
      checks.require(false, FieldPath("model." + path), message)
    }
    if let size { checks.within(1...65_536, "size", size) }
    checks.above(0, "head.deviation", head.deviation)
    if let blocks = trained.blocks {
      checks.require(
        blocks == 0.5 || (blocks >= 0 && blocks <= 1000 && blocks == blocks.rounded()),
        "trained.blocks",
        "is \(blocks.short); expected a whole number of blocks, 0.5 for the last one's perceptron, 0 for "
          + "the head alone, or null for everything")
    }
    checks.require(
      labels.fraction > 0 && labels.fraction <= 1, "labels.fraction",
      "is \(labels.fraction.short); expected a share above 0 and at most 1")
    if let count = labels.perClass { checks.within(1...1_000_000_000, "labels.perClass", count) }
    check(regularization: &checks)
    checks.pipeline(data, channels: model?.channels)
    check(optimizer: &checks)
    if let average {
      checks.require(
        average >= 0 && average < 1, "average",
        "is \(average.short); expected a number from 0 and below 1, such as 0.9999")
    }
    checks.lengths(batch, budget, checkpoints)
    checks.require(
      batch.size > 1 || !head.batchNorm, "batch.size",
      "is 1, and head.batchNorm normalises over a batch; expected at least 2")
    checks.rhythm("monitor.everySteps", monitor.everySteps)
    checks.rhythm("monitor.evaluateEveryEpochs", monitor.evaluateEveryEpochs)
    return checks.found
  }

  private func check(regularization checks: inout Checks) {
    let values = regularization
    checks.require(
      values.dropPath >= 0 && values.dropPath < 1, "regularization.dropPath",
      "is \(values.dropPath.short); expected a probability from 0 and below 1")
    checks.require(
      values.labelSmoothing >= 0 && values.labelSmoothing < 1, "regularization.labelSmoothing",
      "is \(values.labelSmoothing.short); expected a share from 0 and below 1")
    checks.atLeast(0, "regularization.mixup", values.mixup)
    checks.atLeast(0, "regularization.cutmix", values.cutmix)
    checks.within(0...1, "regularization.mixProbability", values.mixProbability)
    checks.within(0...1, "regularization.switchProbability", values.switchProbability)
    if let magnitude = values.randAugment {
      checks.within(0...10, "regularization.randAugment", magnitude)
    }
    checks.within(0...10, "regularization.randAugmentNoise", values.randAugmentNoise)
    checks.within(0...1, "regularization.erasing", values.erasing)
    checks.require(
      !data.normalizeOnDevice || values.erasing == 0, "data.normalizeOnDevice",
      "is true, and regularization.erasing fills in what bytes do not hold; expected false, or "
        + "regularization.erasing=0")
  }

  private func check(optimizer checks: inout Checks) {
    checks.above(0, "optimizer.baseRate", optimizer.baseRate)
    checks.atLeast(0, "optimizer.minimumRate", optimizer.minimumRate)
    checks.require(
      optimizer.layerDecay > 0 && optimizer.layerDecay <= 1, "optimizer.layerDecay",
      "is \(optimizer.layerDecay.short); expected a factor above 0 and at most 1")
    for (path, value) in [
      ("optimizer.beta1" as FieldPath, optimizer.beta1), ("optimizer.beta2", optimizer.beta2),
      ("optimizer.momentum", optimizer.momentum),
    ] {
      checks.require(
        value >= 0 && value < 1, path, "is \(value.short); expected a number from 0 and below 1")
    }
    checks.atLeast(0, "optimizer.weightDecay", optimizer.weightDecay)
    if let clip = optimizer.clip { checks.above(0, "optimizer.clip", clip) }
  }
}

extension FinetuningRecipe {
  /// This recipe, of a run that is gone on with, with what `wanted` may change in it: how often to save
  /// and report, and the loader's threads. Everything else would make another run.
  ///
  /// - Throws: ``RecipeErrors`` with every field that differs.
  public func resumed(with wanted: FinetuningRecipe) throws(RecipeErrors) -> FinetuningRecipe {
    var resumed = self
    resumed.budget = wanted.budget
    resumed.checkpoints = wanted.checkpoints
    resumed.monitor = wanted.monitor
    resumed.data.takeWhatMayChange(from: wanted.data)
    var other = wanted
    other.name = name
    other.note = note
    if !other.data.normalization.isInNumbers { other.data.normalization = data.normalization }
    if other.data.cache == .auto { other.data.cache = data.cache }
    // What a run from scratch takes from another run is written into its recipe.
    other.model = other.model ?? model
    let pairs: [(path: FieldPath, same: Bool)] = [
      ("seed", resumed.seed == other.seed), ("model", resumed.model == other.model),
      ("size", resumed.size == other.size), ("head", resumed.head == other.head),
      ("trained", resumed.trained == other.trained), ("labels", resumed.labels == other.labels),
      ("regularization", resumed.regularization == other.regularization),
      ("data", resumed.data == other.data), ("optimizer", resumed.optimizer == other.optimizer),
      ("average", resumed.average == other.average), ("batch", resumed.batch == other.batch),
      ("precision", resumed.precision == other.precision),
    ]
    try Recipe.requireSame(pairs)
    return resumed
  }
}

extension Recipe.Normalization {
  /// Whether nothing is left to be found out.
  var isInNumbers: Bool {
    switch self {
    case .imageNet, .none, .given: true
    case .computed, .inherited: false
    }
  }
}
