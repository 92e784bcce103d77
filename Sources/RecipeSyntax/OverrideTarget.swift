/// A typed value together with its encoded tree, which assignments change one at a time.
struct OverrideTarget<T: Codable> {
  private(set) var value: T
  private(set) var mistakes: [FieldError] = []
  private(set) var tree: ValueTree
  private let shorthands: [RecipeOverrides.Shorthand]
  private let absent: [RecipeOverrides.AbsentField]
  private let empty: [RecipeOverrides.AbsentField]

  init(
    _ value: T, shorthands: [RecipeOverrides.Shorthand],
    absent: [RecipeOverrides.AbsentField] = [], empty: [RecipeOverrides.AbsentField] = []
  ) {
    self.value = value
    self.shorthands = shorthands
    self.absent = absent
    self.empty = empty
    do {
      tree = try ValueTree(encoding: value)
    } catch {
      preconditionFailure("\(T.self) cannot be encoded: \(error)")
    }
  }

  /// Changes the value, or notes why it cannot be.
  mutating func assign(_ assignment: RecipeOverrides.Assignment) {
    var assignment = assignment
    if let mistake = unknownName(in: assignment) ?? expand(&assignment) {
      mistakes.append(mistake)
      return
    }
    if let parts = assignment.value.entries, !parts.isEmpty, tree[assignment.path]?.entries != nil {
      // Names that are there first: one of them may bring the others, as the name of a masking
      // strategy brings its parameters.
      let names = tree[assignment.path]?.entries?.map(\.key) ?? []
      for part in parts.filter({ names.contains($0.key) })
        + parts.filter({ !names.contains($0.key) })
      {
        var inner = assignment
        inner.path = assignment.path.appending(part.key)
        inner.value = part.value
        assign(inner)
      }
      return
    }
    adopt(assignment)
  }

  /// Tries the type's own opinion, and keeps the result if every given value arrived.
  private mutating func adopt(_ assignment: RecipeOverrides.Assignment) {
    var candidate = tree
    candidate[assignment.path] = assignment.value
    do {
      let decoded = try candidate.decoded(as: T.self)
      let encoded = try ValueTree(encoding: decoded)
      if let mistake = lost(assignment, in: encoded) {
        mistakes.append(mistake)
      } else {
        value = decoded
        tree = encoded
      }
    } catch let error as TreeMismatch {
      mistakes.append(mistake(error, in: assignment))
    } catch {
      mistakes.append(
        FieldError(
          assignment.path, "is \(assignment.value.excerpt), which is not understood",
          source: assignment.source(of: assignment.path)))
    }
  }

  private func mistake(
    _ error: TreeMismatch, in assignment: RecipeOverrides.Assignment
  ) -> FieldError {
    let field = error.field
    var allowed = error.allowed
    if let entries = tree[field]?.entries, !entries.isEmpty {
      allowed = "the fields " + entries.map(\.key).joinedWords("and")
    }
    if let shorthand = shorthands.first(where: { $0.path == field }) {
      allowed = shorthand.names.map(\.name).joinedWords("or") + ", or \(allowed)"
    }
    let verb = error.path.count > field.names.count ? "holds" : "is"
    let found = error.found.map { "\(verb) \($0.excerpt)" } ?? "is missing"
    return FieldError(
      field, "\(found); expected \(allowed)", source: assignment.source(of: field))
  }

  /// A given value that the type did not take notice of: a name it does not know in a group that it
  /// reads whole, or more elements than it wants.
  private func lost(_ assignment: RecipeOverrides.Assignment, in encoded: ValueTree) -> FieldError?
  {
    for (rest, value) in assignment.value.leaves where assignment.value.entries?.isEmpty != true {
      let path = FieldPath(assignment.path.names + rest.names)
      guard let kept = encoded[path] else {
        return unknown(path, in: encoded, source: assignment.source(of: path))
      }
      if case .list(let given) = value, case .list(let taken) = kept, given.count != taken.count {
        return FieldError(
          path, "is \(value.excerpt); expected \(taken.count) values",
          source: assignment.source(of: path))
      }
    }
    return nil
  }

  // MARK: Names

  private func unknownName(in assignment: RecipeOverrides.Assignment) -> FieldError? {
    tree[assignment.path] == nil
      ? unknown(assignment.path, in: tree, source: assignment.source(of: assignment.path)) : nil
  }

  /// Says at which of a path's names it leaves the tree, and what was probably meant.
  private func unknown(_ path: FieldPath, in tree: ValueTree, source: String) -> FieldError {
    if let known = absent.first(where: { path.names.starts(with: $0.path.names) }) {
      return FieldError(known.path, known.reason, source: source)
    }
    var parent = FieldPath([])
    for name in path.names {
      guard let group = tree[parent]?.entries else {
        let found = tree[parent]?.excerpt ?? "null"
        let advice =
          empty.first { $0.path == parent }?.reason
          ?? "which has no fields; give \(parent) whole"
        return FieldError(
          path, "does not exist: \(parent) is \(found), \(advice)", source: source)
      }
      guard group.contains(where: { $0.key == name }) else {
        let given = parent.appending(name)
        return FieldError(
          given, "does not exist; \(advice(for: path, missing: name, in: parent, tree))",
          source: source)
      }
      parent = parent.appending(name)
    }
    return FieldError(path, "does not exist", source: source)
  }

  private func advice(
    for path: FieldPath, missing name: String, in parent: FieldPath, _ tree: ValueTree
  ) -> String {
    let siblings = tree[parent]?.entries?.map(\.key) ?? []
    if let nearest = nearestName(to: name, among: siblings) {
      return "did you mean \(parent.appending(nearest))?"
    }
    let last = path.names.last ?? name
    let fields = tree.fields
    if let nearest = nearestName(to: last, among: fields.compactMap(\.names.last)),
      let field = fields.first(where: { $0.names.last == nearest })
    {
      return "did you mean \(field)?"
    }
    let place = parent.names.isEmpty ? "a recipe" : "\(parent)"
    return "\(place) has \(siblings.joinedWords("and"))"
  }

  // MARK: Shorthands

  /// Puts the group in the place of its name.
  private func expand(_ assignment: inout RecipeOverrides.Assignment) -> FieldError? {
    guard let shorthand = shorthands.first(where: { $0.path == assignment.path })
    else { return nil }
    let given: String
    switch assignment.value {
    // Whether there may be nothing is for the type to say.
    case .plain(let text) where ScalarText.isNull(text): return nil
    case .plain(let text), .text(let text): given = text
    default: return nil
    }
    if let match = shorthand.names.first(where: { $0.name == given }) {
      assignment.value = match.value
      return nil
    }
    let names = shorthand.names.map(\.name)
    let fields = tree[shorthand.path]?.entries?.map(\.key) ?? []
    let hint = nearestName(to: given, among: names).map { "; did you mean \($0)?" } ?? ""
    return FieldError(
      assignment.path,
      "is \(assignment.value.excerpt); expected \(names.joinedWords("or")), or the fields "
        + fields.joinedWords("and") + hint,
      source: assignment.source(of: assignment.path))
  }
}

extension ValueTree {
  /// Paths of all fields, groups before what they hold.
  var fields: [FieldPath] {
    (entries ?? []).flatMap { entry in
      [FieldPath([entry.key])]
        + entry.value.fields.map { FieldPath([entry.key] + $0.names) }
    }
  }
}

extension Collection where Element == String {
  /// `a, b and c`
  package func joinedWords(_ conjunction: String) -> String {
    guard let last = Array(self).last, count > 1 else { return first ?? "" }
    return dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
  }
}
