import Datasets
import MaskedAutoencoders
public import RecipeSyntax

extension FinetuningRecipe {
  /// Words that may be given instead of a whole shape, at `model.encoder`.
  public static var shorthands: [RecipeOverrides.Shorthand] { PretrainingRecipe.shorthands }
  public static var emptyGroups: [RecipeOverrides.AbsentField] { [ScratchModel.advice] }

  public var logEverySteps: Int { logging.everySteps }
  public var logsNorms: Bool { logging.norms }
  public var mixesImages: Bool { regularization.mixup > 0 || regularization.cutmix > 0 }
  public var validateEveryEpochs: Int? { logging.evaluateEveryEpochs }

  /// This recipe, with what it leaves to be found out taken from the complete recipe of a run: what
  /// a run from scratch takes from another run is written into its recipe.
  public func completed(from run: FinetuningRecipe) -> FinetuningRecipe {
    var completed = self
    completed.data = data.completed(from: run.data)
    completed.model = model ?? run.model
    return completed
  }

  /// Everything that is wrong with the values, each with the field, what it is and what is allowed;
  /// empty when a classifier can be trained by them.
  public var problems: [FieldError] {
    var checks = Validator()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    for (path, message) in model?.problems ?? [] {
      checks.require(false, FieldPath("model." + path), message)
    }
    if let size { checks.within(1...65_536, "size", size) }
    checks.above(0, "head.std", head.std)
    if let blocks = trainableBlocks {
      checks.require(
        blocks == 0.5 || (blocks >= 0 && blocks <= 1000 && blocks == blocks.rounded()),
        "trainableBlocks",
        "is \(blocks.short); expected a whole number of blocks, 0.5 for the last one's perceptron, 0 for "
          + "the head alone, or null for everything")
    }
    checks.require(
      labels.fraction > 0 && labels.fraction <= 1, "labels.fraction",
      "is \(labels.fraction.short); expected a share above 0 and at most 1")
    if let count = labels.perClass { checks.within(1...1_000_000_000, "labels.perClass", count) }
    check(regularization: &checks)
    checks.pipeline(data, channels: model?.channels, readsRasters: true)
    checks.colours(self)
    checks.optimizer(optimizer)
    if let ema {
      checks.require(
        ema >= 0 && ema < 1, "ema",
        "is \(ema.short); expected a number from 0 and below 1, such as 0.9999")
    }
    checks.lengths(batch, schedule, checkpoints)
    checks.require(
      batch.size > 1 || !head.batchNorm, "batch.size",
      "is 1, and head.batchNorm normalises over a batch; expected at least 2")
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.evaluateEveryEpochs", logging.evaluateEveryEpochs)
    return checks.found
  }

  private func check(regularization checks: inout Validator) {
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
}

extension Validator {
  /// Operations on colours are for pictures.
  package mutating func colours(_ recipe: FinetuningRecipe) {
    guard recipe.data.rasterSettings != nil, let magnitude = recipe.regularization.randAugment
    else {
      return
    }
    require(
      false, "regularization.randAugment",
      "is \(magnitude.short), and its operations are for pictures of 8 bits; expected null where "
        + "data.channels is not picture")
  }
}
