import Datasets
public import RecipeSyntax

extension Recipe {
  /// This recipe, of a run that is gone on with, with what `wanted` may change in it: how long, how
  /// often to save and report, and the loader's threads. Everything else would make another run.
  ///
  /// - Parameter recipeIsNamed: Whether `wanted` starts from a recipe the user named; its own name,
  ///   note and a normalisation to be computed are then no difference.
  /// - Throws: ``RecipeErrors`` with every field that differs.
  public func resumed(
    with wanted: Recipe, recipeIsNamed: Bool
  ) throws(RecipeErrors) -> Recipe {
    var resumed = self
    resumed.budget = wanted.budget
    resumed.checkpoints = wanted.checkpoints
    resumed.monitor = wanted.monitor
    resumed.data.takeWhatMayChange(from: wanted.data)
    var other = wanted
    if recipeIsNamed {
      other.name = name
      other.note = note
      if other.data.normalization == .computed { other.data.normalization = data.normalization }
      if other.data.cache == .auto { other.data.cache = data.cache }
    }
    let pairs: [(path: FieldPath, same: Bool)] = [
      ("name", resumed.name == other.name), ("note", resumed.note == other.note),
      ("seed", resumed.seed == other.seed), ("model", resumed.model == other.model),
      ("masking", resumed.masking == other.masking), ("loss", resumed.loss == other.loss),
      ("data", resumed.data == other.data), ("optimizer", resumed.optimizer == other.optimizer),
      ("batch", resumed.batch == other.batch), ("precision", resumed.precision == other.precision),
    ]
    try Self.requireSame(pairs)
    return resumed
  }

  /// Throws ``RecipeErrors`` with every part of the recipe that is not as it was.
  static func requireSame(_ parts: [(path: FieldPath, same: Bool)]) throws(RecipeErrors) {
    let mistakes = parts.filter { !$0.same }.map {
      FieldMistake(
        $0.path,
        "differs from the recipe of the run; --resume may change \(Self.mayChange) only. "
          + "Leave it out, or start another run with --out")
    }
    guard mistakes.isEmpty else { throw RecipeErrors(mistakes) }
  }
}

extension Recipe {
  /// The fields that a resumed run may change, for messages.
  static let mayChange =
    "budget, checkpoints, monitor, data.workers, data.prefetch, data.normalizeOnDevice and the size of "
    + "data.cache"
}

extension Recipe.Pipeline {
  /// Takes over the fields that do not change what batches hold.
  mutating func takeWhatMayChange(from other: Recipe.Pipeline) {
    workers = other.workers
    prefetch = other.prefetch
    normalizeOnDevice = other.normalizeOnDevice
    if cache.isOn == other.cache.isOn { cache = other.cache }
  }
}

extension Recipe.Cache {
  /// Whether images are decoded as a whole; nil before that is found out.
  var isOn: Bool? {
    switch self {
    case .gigabytes(let size): size > 0
    case .auto: nil
    }
  }
}
