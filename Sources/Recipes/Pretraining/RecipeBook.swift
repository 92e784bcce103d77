public import RecipeSyntax


/// All recipes that have a name.
public enum RecipeBook {
  /// A recipe, and what is said of it.
  public struct Entry: Hashable, Sendable {
    /// The values.
    public var recipe: Recipe
    /// One line, for lists.
    public var summary: String
    /// What stands above the values when they are shown: origin, what to expect, the command.
    public var header: [String]

    /// Creates an entry.
    public init(_ recipe: Recipe, summary: String, header: [String]) {
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
    [.oneMachine, .smallImages, .fashionMNIST] + Entry.paperTable8 + Entry.paperTable1

  /// The recipe of a run that names none.
  public static let standard: Recipe = Entry.oneMachine.recipe

  /// The entry of that name; throws the nearest names there are.
  public static func entry(named name: String) throws(RecipeErrors) -> Entry {
    try named(
      name, among: entries.map { ($0.name, $0) }, not: FinetuningBook.entries.map(\.name),
      "a recipe for learning from labels; run it with mae finetune or mae scratch")
  }

  /// The complete, checked recipe that a name or file and `--set` assignments make together.
  ///
  /// What has a slash or a dot is a file. Throws all mistakes of name, file, assignments and values at
  /// once, each assignment judged on the recipe it is laid over, or on the standard one where that
  /// cannot be found.
  public static func resolve(
    _ nameOrFile: String? = nil, settings: [String] = []
  ) throws(RecipeErrors) -> Recipe {
    try resolved(nameOrFile, settings: settings, standard: standard) { name throws(RecipeErrors) in
      try entry(named: name).recipe
    }
  }
}
