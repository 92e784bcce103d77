public import RecipeSyntax

/// The recipes of one kind of training that have a name.
public struct RecipeBook<Recipe: TrainingRecipe>: NamedRecipes {
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

  public let commands: [String]
  public let purpose: String
  /// Every entry, everyday ones first; the first is the recipe of a run that names none.
  public let entries: [Entry]

  /// Creates a book.
  ///
  /// - Parameters:
  ///   - commands: The commands that take its recipes.
  ///   - purpose: What they are for: `learning without labels`.
  ///   - entries: At least one, everyday ones first.
  public init(commands: [String], purpose: String, entries: [Entry]) {
    self.commands = commands
    self.purpose = purpose
    self.entries = entries
  }

  /// The recipe of a run that names none.
  public var standard: Recipe { entries[0].recipe }

  public var summaries: [(name: String, summary: String)] { entries.map { ($0.name, $0.summary) } }

  /// The entry of that name; throws the nearest names there are.
  public func entry(named name: String) throws(RecipeErrors) -> Entry {
    if let found = entries.first(where: { $0.name == name }) { return found }
    for book in RecipeBooks.all where book.summaries.contains(where: { $0.name == name }) {
      throw RecipeErrors([
        FieldError(
          "",
          "\(name) is a recipe for \(book.purpose); run it with \(book.commands.joinedWords("or"))")
      ])
    }
    let names = entries.map(\.name)
    let advice =
      nearestName(to: name, among: names).map { "did you mean \($0)?" }
      ?? "there are \(names.joinedWords("and"))"
    let excerpt = name.count > 60 ? name.prefix(57) + "…" : name[...]
    throw RecipeErrors([FieldError("", "no recipe is called \(excerpt); \(advice)")])
  }

  /// The complete, checked recipe that a name or file and `--set` assignments make together.
  ///
  /// What has a slash or a dot is a file. Throws all mistakes of name, file, assignments and values
  /// at once, each assignment checked against the recipe it overrides, or on the standard one where
  /// that cannot be found.
  ///
  /// - Parameter note: Told of each field that was given by a name of before.
  public func resolve(
    _ nameOrFile: String? = nil, settings: [String] = [], note: (String) -> Void = { _ in }
  ) throws(RecipeErrors) -> Recipe {
    var base = standard
    var file: RecipeFile?
    var failure: RecipeErrors?
    do throws(RecipeErrors) {
      if let nameOrFile, nameOrFile.contains("/") || nameOrFile.contains(".") {
        let read = try RecipeFile(at: nameOrFile)
        file = read
        if let name = read.base { base = try entry(named: name).recipe }
      } else if let nameOrFile {
        base = try entry(named: nameOrFile).recipe
      }
    } catch {
      failure = error
    }
    do throws(RecipeErrors) {
      let recipe = try base.changed(by: file, settings: settings, note: note)
      if let failure { throw failure }
      return recipe
    } catch {
      guard let failure, failure != error else { throw error }
      throw RecipeErrors(failure.mistakes + error.mistakes)
    }
  }

  /// The recipe of a new run, or of the run that is resumed.
  ///
  /// - Parameters:
  ///   - nameOrFile: The recipe the user named; nil for the run's own, or the standard one.
  ///   - run: The folder of the run that is resumed; nil for a new run.
  public func resolve(
    _ nameOrFile: String?, settings: [String], resuming run: String?,
    note: (String) -> Void = { _ in }
  ) throws(RecipeErrors) -> Recipe {
    guard let run else { return try resolve(nameOrFile, settings: settings, note: note) }
    let own = run + "/recipe.yaml"
    let kept = try resolve(own, note: nameOrFile == nil ? { _ in } : note)
    let wanted = try resolve(nameOrFile ?? own, settings: settings, note: note)
    return try kept.resumed(with: wanted, recipeIsNamed: nameOrFile != nil)
  }

  public var fields: [String] {
    (try? ValueTree(encoding: standard))?.entries?.map(\.key) ?? []
  }

  public func yaml(
    _ nameOrFile: String, settings: [String], note: (String) -> Void
  ) throws(RecipeErrors) -> String {
    let header = settings.isEmpty ? entries.first { $0.name == nameOrFile }?.header : nil
    return try resolve(nameOrFile, settings: settings, note: note).yaml(header: header ?? [])
  }

  /// Whether a run's recipe is the entry of its name, but for what has no part in what is learned
  /// or belongs to the data.
  ///
  /// - Parameter ignored: Fields of the kind of training that the caller looks at itself.
  public func isEntry(_ recipe: Recipe, ignoring ignored: [FieldPath] = []) -> Bool {
    guard let entry = entries.first(where: { $0.name == recipe.name })?.recipe else { return false }
    var free: [FieldPath] = [
      "note", "seed", "logging", "checkpoints", "data.workers", "data.prefetch", "data.cache",
      "data.normalization", "data.normalizeOnDevice",
    ]
    if entry.effectiveBatch == recipe.effectiveBatch { free.append("batch") }
    return entry.differences(from: recipe).allSatisfy { difference in
      (free + ignored).contains { $0.holds(difference.path) }
    }
  }
}

/// What can be said of a book of recipes of any kind.
public protocol NamedRecipes: Sendable {
  /// The commands that take the recipes: `mae pretrain`.
  var commands: [String] { get }
  /// What the recipes are for, after "a recipe for".
  var purpose: String { get }
  /// Name and one line of every recipe.
  var summaries: [(name: String, summary: String)] { get }
  /// The fields of its recipes, the outermost names.
  var fields: [String] { get }
  /// A recipe's complete YAML, under its header where nothing is changed.
  func yaml(
    _ nameOrFile: String, settings: [String], note: (String) -> Void
  ) throws(RecipeErrors) -> String
}

/// The books of all kinds of training: a kind adds its own here.
public enum RecipeBooks {
  /// All of them, in the order of lists.
  public static let all: [any NamedRecipes] = [
    pretraining,
    classification,
    contrastive,
    segmentation,
    detection,
    tokenizer,
  ]

  /// The book of a recipe's name, or of a file, which is the one that knows most of the file's
  /// fields; the first where none does.
  public static func book(of nameOrFile: String) -> any NamedRecipes {
    if let named = all.first(where: { $0.summaries.contains { $0.name == nameOrFile } }) {
      return named
    }
    let given = (try? RecipeFile(at: nameOrFile))?.values.tree.entries?.map(\.key) ?? []
    func known(_ book: any NamedRecipes) -> Int { given.count { book.fields.contains($0) } }
    return all.dropFirst().reduce(all[0]) { known($1) > known($0) ? $1 : $0 }
  }
}
