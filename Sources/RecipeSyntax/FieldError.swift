/// One thing that is wrong with a recipe, as one line for its author.
public struct FieldError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The field, or the recipe itself if the path is empty.
  public var path: FieldPath
  /// What was found, what is allowed and what to do; reads on from the path.
  public var message: String
  /// Who gave the value: `--set`, or a file and line; nil for a value that comes of several.
  public var source: String?

  /// Creates a mistake.
  public init(_ path: FieldPath, _ message: String, source: String? = nil) {
    self.path = path
    self.message = message
    self.source = source
  }

  /// `model.patch is 15; expected … (--set)`
  public var description: String {
    let sentence = path.names.isEmpty ? message : "\(path) \(message)"
    return source.map { "\(sentence) (\($0))" } ?? sentence
  }
}

/// Everything that is wrong with a recipe, found in one go.
public struct RecipeErrors: Error, Hashable, Sendable, CustomStringConvertible {
  /// At least one mistake, in the order in which they were met.
  public var mistakes: [FieldError]
  /// Whether the only trouble is a recipe file that is not there or cannot be read, which ends a
  /// program with another status than a wrong recipe.
  public var isMissingFile: Bool

  /// Creates an error.
  public init(_ mistakes: [FieldError], isMissingFile: Bool = false) {
    self.mistakes = mistakes
    self.isMissingFile = isMissingFile
  }

  /// Creates an error of one mistake.
  package init(_ path: FieldPath, _ message: String) {
    self.init([FieldError(path, message)])
  }

  /// One line for each mistake.
  public var description: String { mistakes.map(\.description).joined(separator: "\n") }
}
