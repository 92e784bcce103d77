public import RecipeSyntax
import MaskedAutoencoders

extension PretrainingRecipe: TrainingRecipe {
  public var logEverySteps: Int { logging.everySteps }
  public var drawEveryEpochs: Int? { logging.reconstructionsEveryEpochs }

  /// Everything that is wrong with the values, each with the field, what it is and what is allowed;
  /// empty when the recipe can be trained.
  public var problems: [FieldMistake] {
    var checks = Checks()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    check(model: &checks)
    check(data: &checks)
    check(optimizer: &checks)
    check(lengths: &checks)
    return checks.found
  }

  private func check(model checks: inout Checks) {
    let before = checks.found.count
    for (path, message) in model.problems {
      checks.require(false, FieldPath("model." + path), message)
    }
    checks.require(
      [1, 3].contains(model.channels) || checks.found.count > before, "model.channels",
      "is \(model.channels); image files have 1 or 3")
    checks.require(
      masking.ratio > 0 && masking.ratio < 1, "masking.ratio",
      "is \(masking.ratio.short); expected a number above 0 and below 1")
    if checks.found.count == before { check(grid: &checks) }
  }

  private func check(grid checks: inout Checks) {
    let patches = model.grid.count
    let visible = masking.visible(of: patches)
    checks.require(
      visible >= 1, "masking.ratio",
      "is \(masking.ratio.short), which leaves none of the \(patches) patches visible; "
        + "expected less, or smaller patches")
    checks.require(
      visible < patches, "masking.ratio",
      "is \(masking.ratio.short), which hides none of the \(patches) patches; "
        + "expected more, or smaller patches")
  }

  private func check(data checks: inout Checks) {
    checks.pipeline(data, channels: model.channels)
    checks.require(
      data.normalization != .inherited, "data.normalization",
      "is inherited; only a classifier has an encoder to take it from. Expected imagenet, computed, "
        + "none or {mean: […], std: […]}")
  }

  private func check(optimizer checks: inout Checks) {
    checks.optimizer(optimizer)
    checks.require(
      optimizer.layerDecay == 1, "optimizer.layerDecay",
      "is \(optimizer.layerDecay.short); layers learn at equal rates in pre-training, expected 1")
  }

  private func check(lengths checks: inout Checks) {
    checks.lengths(batch, schedule, checkpoints)
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.reconstructionsEveryEpochs", logging.reconstructionsEveryEpochs)
    checks.within(1...1024, "logging.images", logging.images)
  }
}
