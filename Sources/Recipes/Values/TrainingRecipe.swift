import Datasets
public import RecipeSyntax

/// What recipes of all kinds have in common: a name, a batch, a length, and values that are laid over
/// by files and `--set`.
public protocol TrainingRecipe: Codable, Hashable, Sendable {
  /// What the recipe is called, and found by.
  var name: String { get }
  /// How many images make a step.
  var batch: Recipe.Batch { get }
  /// How long to train.
  var budget: Recipe.Budget { get set }
  /// Everything that is wrong with the values; empty when the recipe can be trained.
  var problems: [FieldMistake] { get }
  /// Words that may be given instead of a group of values.
  static var shorthands: [Overlay.Shorthand] { get }
  /// The rate for 256 images a step.
  var baseRate: Double { get }
  /// The rate at the end.
  var minimumRate: Double { get }
}

extension Recipe: TrainingRecipe {
  public var baseRate: Double { optimizer.baseRate }
  public var minimumRate: Double { optimizer.minimumRate }
}
