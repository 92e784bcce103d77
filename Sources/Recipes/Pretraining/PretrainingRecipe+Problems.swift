import MaskedAutoencoders
public import RecipeSyntax

extension PretrainingRecipe: TrainingRecipe {
  public var logEverySteps: Int { logging.everySteps }
  public var logsNorms: Bool { logging.norms }
  public var drawEveryEpochs: Int? { logging.reconstructionsEveryEpochs }

  /// This recipe, with what it leaves to be found out taken from the complete recipe of a run: of the
  /// tokenizer that it names too.
  public func completed(from run: Self) -> Self {
    var completed = self
    completed.data = data.completed(from: run.data)
    if let own = model.target.target as? TokenTarget, own.shape == nil,
      let found = run.model.target.target as? TokenTarget, found.tokenizer == own.tokenizer
    {
      completed.model.target = run.model.target
    }
    return completed
  }

  /// Everything that is wrong with the values, each with the field, what it is and what is allowed;
  /// empty when the recipe can be trained.
  public var problems: [FieldError] {
    var checks = Validator()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    check(model: &checks)
    check(data: &checks)
    check(optimizer: &checks)
    check(lengths: &checks)
    return checks.found
  }

  private func check(model checks: inout Validator) {
    let before = checks.found.count
    for (path, message) in model.problems {
      checks.require(false, FieldPath("model." + path), message)
    }
    checks.require(
      model.decoder != nil, "model.decoder",
      "is null; expected a shape, without which nothing is reconstructed")
    let grid = checks.found.count == before ? model.grid : nil
    for (path, message) in masking.problems(on: grid) {
      checks.require(false, FieldPath("masking." + path), message)
    }
  }

  private func check(data checks: inout Validator) {
    checks.pipeline(data, channels: model.channels, readsRasters: true)
    checks.require(
      data.normalization != .inherited, "data.normalization",
      "is inherited; only a classifier has an encoder to take it from. Expected imagenet, computed, "
        + "none or {mean: […], std: […]}")
    checks.require(
      data.channels != .inherited, "data.channels",
      "is inherited; only a classifier has an encoder to take it from. Expected picture, all or a list of "
        + "channels")
    checks.turns(data, of: model)
    checks.require(
      data.valueRange != .inherited, "data.valueRange",
      "is inherited; only a classifier has an encoder to take it from. Expected full, computed or two "
        + "numbers")
  }

  private func check(optimizer checks: inout Validator) {
    checks.optimizer(optimizer)
    checks.require(
      optimizer.layerDecay == 1, "optimizer.layerDecay",
      "is \(optimizer.layerDecay.short); layers learn at equal rates in pre-training, expected 1")
  }

  private func check(lengths checks: inout Validator) {
    checks.lengths(batch, schedule, checkpoints)
    checks.rhythm("logging.everySteps", logging.everySteps)
    checks.rhythm("logging.reconstructionsEveryEpochs", logging.reconstructionsEveryEpochs)
    checks.within(1...1024, "logging.images", logging.images)
  }
}
