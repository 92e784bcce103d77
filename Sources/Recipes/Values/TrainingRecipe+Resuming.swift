public import RecipeSyntax

extension TrainingRecipe {
  /// The fields that a resumed run may change: how long, how often to save and report, and how the
  /// loader works. Every other field decides what is learned.
  static var fieldsResumingMayChange: [FieldPath] {
    [
      "schedule", "checkpoints", "logging", "data.workers", "data.prefetch",
      "data.normalizeOnDevice", "data.cache",
    ].filter { field in !absentFields.contains { $0.path == field } }
  }

  /// The recipe to resume a run by whose complete recipe this is: `wanted`, where it differs in
  /// nothing but the fields that may change.
  ///
  /// - Parameters:
  ///   - wanted: The recipe asked for.
  ///   - recipeIsNamed: Whether `wanted` starts from a recipe the user named, rather than from the
  ///     run's own; its name and note are then no difference.
  /// - Throws: ``/RecipeSyntax/RecipeErrors`` with every field that differs and may not.
  public func resumed(
    with wanted: Self, recipeIsNamed: Bool
  ) throws(RecipeErrors) -> Self {
    var other = wanted.completed(from: self)
    if other.precision == .auto { other.precision = precision }
    if recipeIsNamed { (other.name, other.note) = (name, note) }
    var allowed = Self.fieldsResumingMayChange
    if other.data.cache.isOn != data.cache.isOn { allowed.removeAll { $0 == "data.cache" } }
    let mistakes = differences(from: other)
      .filter { difference in !allowed.contains { $0.holds(difference.path) } }
      .map { path, mine, wanted in
        FieldError(
          path,
          "is \(wanted) and the run has \(mine); --resume may change "
            + "\(Self.fieldsResumingMayChange.map(\.description).joinedWords("and")) only. Leave it "
            + "out, or start another run with --out")
      }
    guard mistakes.isEmpty else { throw RecipeErrors(mistakes) }
    return other
  }

  /// The fields in which two recipes differ, innermost first named, with both values as text.
  package func differences(
    from other: Self
  ) -> [(path: FieldPath, mine: String, other: String)] {
    guard let mine = try? ValueTree(encoding: self), let theirs = try? ValueTree(encoding: other)
    else { return [] }
    return mine.differences(from: theirs)
  }
}

extension FieldPath {
  /// Whether a path is this one or one of a field inside it.
  package func holds(_ path: FieldPath) -> Bool { path.names.starts(with: names) }
}

extension ValueTree {
  /// The innermost fields in which two trees differ, in the order of this one.
  package func differences(
    from other: ValueTree, at path: FieldPath = FieldPath([])
  ) -> [(path: FieldPath, mine: String, other: String)] {
    guard self != other else { return [] }
    guard let mine = entries, let theirs = other.entries else {
      return [(path, excerpt, other.excerpt)]
    }
    let keys =
      mine.map(\.key) + theirs.map(\.key).filter { key in !mine.contains { $0.key == key } }
    return keys.flatMap { key in
      (self[key] ?? .null).differences(from: other[key] ?? .null, at: path.appending(key))
    }
  }
}

extension DataRecipe.Cache {
  /// Whether images are decoded as a whole; nil before that is found out.
  var isOn: Bool? {
    switch self {
    case .gigabytes(let size): size > 0
    case .auto: nil
    }
  }
}
