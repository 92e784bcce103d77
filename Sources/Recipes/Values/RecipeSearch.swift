import Datasets
import RecipeSyntax


/// The entry of that name; throws the nearest names there are.
///
/// - Parameters:
///   - others: Recipes of the same kind of file that this is not the place for.
///   - purpose: What those are for, with the command to run.
func named<Entry>(
  _ name: String, among entries: [(name: String, entry: Entry)], not others: [String],
  _ purpose: String
) throws(RecipeErrors) -> Entry {
  if let found = entries.first(where: { $0.name == name }) { return found.entry }
  if others.contains(name) { throw RecipeErrors([FieldMistake("", "\(name) is \(purpose)")]) }
  let names = entries.map(\.name)
  let advice =
    nearestName(to: name, among: names).map { "did you mean \($0)?" }
    ?? "there are \(names.joinedWords("and"))"
  let excerpt = name.count > 60 ? name.prefix(57) + "…" : name[...]
  throw RecipeErrors([FieldMistake("", "no recipe is called \(excerpt); \(advice)")])
}

/// The complete, checked recipe that a name or file and `--set` assignments make together.
///
/// What has a slash or a dot is a file. Throws all mistakes of name, file, assignments and values at
/// once, each assignment judged on the recipe it is laid over, or on the standard one where that
/// cannot be found.
func resolved<Value: TrainingRecipe>(
  _ nameOrFile: String?, settings: [String], standard: Value,
  _ find: (String) throws(RecipeErrors) -> Value
) throws(RecipeErrors) -> Value {
  var base = standard
  var file: RecipeFile?
  var failure: RecipeErrors?
  do throws(RecipeErrors) {
    if let nameOrFile, nameOrFile.contains("/") || nameOrFile.contains(".") {
      let read = try RecipeFile(at: nameOrFile)
      file = read
      if let name = read.base { base = try find(name) }
    } else if let nameOrFile {
      base = try find(nameOrFile)
    }
  } catch {
    failure = error
  }
  do throws(RecipeErrors) {
    let recipe = try base.changed(by: file, settings: settings)
    if let failure { throw failure }
    return recipe
  } catch {
    guard let failure, failure != error else { throw error }
    throw RecipeErrors(failure.mistakes + error.mistakes)
  }
}
