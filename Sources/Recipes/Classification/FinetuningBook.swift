public import RecipeSyntax


/// All recipes for training classifiers that have a name.
public enum FinetuningBook {
  /// A recipe, and what is said of it.
  public struct Entry: Hashable, Sendable {
    /// The values.
    public var recipe: FinetuningRecipe
    /// One line, for lists.
    public var summary: String
    /// What stands above the values when they are shown: origin, what to expect, the command.
    public var header: [String]

    /// Creates an entry.
    public init(_ recipe: FinetuningRecipe, summary: String, header: [String]) {
      self.recipe = recipe
      self.summary = summary
      self.header = header
    }

    /// The name the recipe is found by.
    public var name: String { recipe.name }
    /// The complete recipe as YAML under its header.
    public var yaml: String { recipe.yaml(header: header) }
  }

  /// Every entry, everyday ones first.
  public static let entries: [Entry] =
    Entry.oneMachine + Entry.fashionMNIST + Entry.paperTable9 + Entry.paperTable10
    + Entry.paperTable11

  /// The recipe of a run that names none.
  public static var standard: FinetuningRecipe { Entry.oneMachine[0].recipe }

  /// The entry of that name; throws the nearest names there are.
  public static func entry(named name: String) throws(RecipeErrors) -> Entry {
    try named(
      name, among: entries.map { ($0.name, $0) }, not: RecipeBook.entries.map(\.name),
      "a recipe for learning without labels; run it with mae pretrain")
  }

  /// Whether a run's recipe is the entry of its name, but for what has no part in what is learned or
  /// belongs to the data: what is trained is the caller's to look at.
  public static func isEntry(_ recipe: FinetuningRecipe) -> Bool {
    guard var entry = entries.first(where: { $0.name == recipe.name })?.recipe else { return false }
    entry.note = recipe.note
    entry.seed = recipe.seed
    entry.trained = recipe.trained
    entry.monitor = recipe.monitor
    entry.checkpoints = recipe.checkpoints
    if entry.effectiveBatch() == recipe.effectiveBatch() { entry.batch = recipe.batch }
    let data = recipe.data
    (entry.data.workers, entry.data.prefetch) = (data.workers, data.prefetch)
    (entry.data.cache, entry.data.normalization) = (data.cache, data.normalization)
    entry.data.normalizeOnDevice = data.normalizeOnDevice
    return entry == recipe
  }

  /// The complete, checked recipe that a name or file and `--set` assignments make together; see
  /// ``RecipeBook/resolve(_:settings:)``.
  public static func resolve(
    _ nameOrFile: String? = nil, settings: [String] = []
  ) throws(RecipeErrors) -> FinetuningRecipe {
    try resolved(nameOrFile, settings: settings, standard: standard) { name throws(RecipeErrors) in
      try entry(named: name).recipe
    }
  }
}
