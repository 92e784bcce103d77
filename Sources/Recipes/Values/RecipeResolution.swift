import Datasets
import FileSystem
import Foundation
import MaskedAutoencoders
public import RecipeSyntax

extension TrainingRecipe {
  /// This recipe with a file's values and then `settings` (each `path=value`) in the place of its
  /// own, checked.
  ///
  /// Throws every mistake of the file, of the settings and of the values they lead to.
  ///
  /// - Parameter note: Told of each field that was given by a name of before.
  public func changed(
    by file: RecipeFile? = nil, settings: [String] = [], note: (String) -> Void = { _ in }
  ) throws(RecipeErrors) -> Self {
    var overlay = RecipeOverrides(
      shorthands: Self.shorthands, renamed: RenamedFields.all, absent: Self.absentFields,
      empty: Self.emptyGroups)
    if let file { overlay.lay(file.values, source: file.source) }
    for setting in settings { overlay.set(setting) }
    let result = overlay.applied(to: self)
    var (recipe, mistakes) = (result.value, result.mistakes)
    for sentence in result.notes { note(sentence) }
    if !result.paths.contains("schedule.warmupEpochs") {
      recipe.schedule.keepWarmupShare(of: schedule)
    }
    let all = mistakes + recipe.problems + recipe.laneProblems
    guard all.isEmpty else { throw RecipeErrors(all) }
    return recipe
  }

  /// The complete recipe as YAML, which reads back to an equal value; each line of `header` becomes
  /// a comment.
  public func yaml(header: [String] = []) -> String {
    // A recipe of numbers and texts always encodes.
    ((try? ValueTree(encoding: self)) ?? .map([])).yaml(header: header)
  }
}

/// A recipe file: some or all fields of a recipe, and the name of the recipe whose values they
/// override.
public struct RecipeFile: Hashable, Sendable {
  /// What messages call the file.
  public var source: String
  /// The recipe it starts from, its key `base`; nil if it does not say.
  public var base: String?
  /// The fields it gives.
  public var values: YAMLDocument

  /// Reads a YAML text.
  public init(parsing text: String, source: String) throws(RecipeErrors) {
    self.source = source
    do throws(FieldError) {
      values = try YAMLDocument(parsing: text, source: source)
      switch values.tree["base"] {
      case nil: base = nil
      case .plain(let name)?, .text(let name)?: base = name
      case let other?:
        throw FieldError("base", "is \(other.excerpt); expected a recipe's name", source: source)
      }
      values.tree["base"] = nil
    } catch {
      throw RecipeErrors([error])
    }
  }

  /// Reads a file; anything but a readable text of reasonable size is refused in one line.
  public init(at path: String) throws(RecipeErrors) {
    func refusal(_ message: String, isMissing: Bool = false) -> RecipeErrors {
      RecipeErrors([FieldError("", "\(path) \(message)")], isMissingFile: isMissing)
    }
    guard exists(path) else {
      throw refusal("does not exist; expected a recipe file", isMissing: true)
    }
    guard !isFolder(path) else {
      throw refusal("is a folder; expected a recipe file, such as recipe.yaml inside it")
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw refusal("cannot be read; check its permissions", isMissing: true)
    }
    defer { try? handle.close() }
    let bytes: Data
    do {
      bytes = try handle.read(upToCount: YAMLDocument.largestText + 1) ?? Data()
    } catch {
      throw refusal("cannot be read", isMissing: true)
    }
    guard bytes.count <= YAMLDocument.largestText else {
      throw refusal("is too large for a recipe: over \(YAMLDocument.largestText / 1024) KiB")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw refusal("is not a text file in UTF-8")
    }
    try self.init(parsing: text, source: path)
  }
}

extension TrainingRecipe {
  /// What is wrong with a batch that does not take as many images of each lane.
  var laneProblems: [FieldError] {
    let multiple = 2 * data.lanes * data.repeats
    guard data.shuffle == .lanes, (1...65_536).contains(data.lanes),
      (1...1024).contains(data.repeats), !batch.size.isMultiple(of: multiple)
    else { return [] }
    let below = batch.size / multiple * multiple
    let sizes =
      below > 0 ? "batch.size \(below) or \(below + multiple)" : "batch.size \(multiple)"
    return [
      FieldError(
        "data.lanes",
        "is \(data.lanes), and batch.size \(batch.size) is no multiple of \(multiple), two images of "
          + "each lane\(data.repeats > 1 ? " and data.repeats" : ""); use fewer lanes, or \(sizes)")
    ]
  }
}

extension ScheduleRecipe {
  /// Shortens a warm-up that is longer than a shortened run: it keeps its share of the run.
  fileprivate mutating func keepWarmupShare(of longer: ScheduleRecipe) {
    guard epochs < longer.epochs, epochs >= 1, warmupEpochs > Double(epochs) else { return }
    let share = longer.warmupEpochs / Double(longer.epochs)
    warmupEpochs = (share * Double(epochs) * 1000).rounded() / 1000
  }
}
