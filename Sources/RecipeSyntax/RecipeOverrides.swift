/// Values that override those of a typed value: those of files, then those of `--set`; later ones
/// override earlier ones.
public struct RecipeOverrides: Sendable {
  /// Paths whose value may be given by a name that stands for a whole group.
  public var shorthands: [Shorthand]
  private var assignments: [Assignment] = []
  private var mistakes: [FieldError] = []

  /// One value for one path.
  struct Assignment: Sendable {
    var path: FieldPath
    var value: ValueTree
    var source: Source

    /// Who gives the value of a field: `--set`, or a file and line.
    func source(of field: FieldPath) -> String {
      source.lines[field].map { "\(source.name), line \($0)" } ?? source.name
    }
  }

  /// Where assignments come from.
  struct Source: Sendable {
    var name: String
    var lines: [FieldPath: Int] = [:]
  }

  /// Names that may be given instead of a group of values.
  public struct Shorthand: Sendable {
    /// Where the names mean something.
    public var path: FieldPath
    /// The names, in the order in which messages list them, and what they stand for.
    public var names: [(name: String, value: ValueTree)]

    /// Creates a shorthand.
    public init(at path: FieldPath, names: [(name: String, value: ValueTree)]) {
      self.path = path
      self.names = names
    }
  }

  /// A field that a value does not have, and what is said of it: `has no part in …; leave it out`.
  public struct AbsentField: Sendable {
    /// The field.
    public var path: FieldPath
    /// What follows its name in a message.
    public var reason: String

    /// Names a field.
    public init(_ path: FieldPath, _ reason: String) {
      self.path = path
      self.reason = reason
    }
  }

  /// Names that fields had before, and those they have now.
  private let renamed: [(old: FieldPath, new: FieldPath)]
  private let absent: [AbsentField]
  private let empty: [AbsentField]

  /// Creates an overlay that changes nothing.
  ///
  /// - Parameters:
  ///   - renamed: Names that fields had before: what is given by them counts for the new names.
  ///   - absent: Fields that are missed with a reason of their own.
  ///   - empty: Groups that may be null, and what is said of a field in one that is: `which has no
  ///     fields; give …`.
  public init(
    shorthands: [Shorthand] = [], renamed: [(old: FieldPath, new: FieldPath)] = [],
    absent: [AbsentField] = [], empty: [AbsentField] = []
  ) {
    self.shorthands = shorthands
    self.renamed = renamed
    self.absent = absent
    self.empty = empty
  }

  /// Adds an assignment as typed after `--set`: `path=value`, where the value is a word, a number,
  /// or a list or map in YAML's one-line form. A malformed one is reported when the overlay is
  /// applied.
  public mutating func set(_ text: String, source: String = "--set") {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = FieldPath(String(parts[0]))
    guard parts.count == 2, !path.names.isEmpty, !path.names.contains("") else {
      let excerpt = ValueTree.plain(text).excerpt
      mistakes.append(
        FieldError("", "\(source) \(excerpt): expected path=value, such as schedule.epochs=50"))
      return
    }
    let value = parts[1].trimmingSpaces
    guard let first = value.first, "[{\"'".contains(first) else {
      assignments.append(
        Assignment(path: path, value: .plain(value), source: Source(name: source)))
      return
    }
    do throws(FieldError) {
      let document = try YAMLDocument(parsing: value, source: "\(source) \(path)")
      assignments.append(
        Assignment(path: path, value: document.tree, source: Source(name: source)))
    } catch {
      mistakes.append(error)
    }
  }

  /// Adds all values of a document, which must be a map.
  public mutating func lay(_ document: YAMLDocument, source: String) {
    guard let entries = document.tree.entries else {
      let message = "\(source) holds \(document.tree.excerpt); expected fields with values"
      mistakes.append(FieldError("", message))
      return
    }
    let source = Source(name: source, lines: document.lines)
    for entry in entries {
      let path = FieldPath([entry.key])
      assignments.append(Assignment(path: path, value: entry.value, source: source))
    }
  }

  /// The value with every override that could be applied, and the mistakes of the others.
  ///
  /// Assignments are tried one after another, each on what the ones before it made, so that every
  /// mistake is reported and an assignment may build on an earlier one.
  ///
  /// - Returns: The value, the mistakes, a sentence for each field that was given by a name of
  ///   before, and the paths of all values that were given, by their names of now.
  public func applied<T: Codable>(
    to base: T
  ) -> (value: T, mistakes: [FieldError], notes: [String], paths: Set<FieldPath>) {
    var target = OverrideTarget(base, shorthands: shorthands, absent: absent, empty: empty)
    var notes: [String] = []
    var paths: Set<FieldPath> = []
    for assignment in assignments {
      for given in byCurrentNames(assignment, in: target.tree, &notes) {
        for leaf in given.value.leaves {
          paths.insert(FieldPath(given.path.names + leaf.path.names))
        }
        target.assign(given)
      }
    }
    return (target.value, mistakes + target.mistakes, notes, paths)
  }

  /// An assignment by the names that fields have now.
  private func byCurrentNames(
    _ assignment: Assignment, in tree: ValueTree, _ notes: inout [String]
  ) -> [Assignment] {
    let names = assignment.path.names
    // A group that holds a renamed field is taken apart.
    if let parts = assignment.value.entries,
      renamed.contains(where: {
        $0.old.names.count > names.count && $0.old.names.starts(with: names)
      })
    {
      return parts.flatMap { part in
        var inner = assignment
        inner.path = assignment.path.appending(part.key)
        inner.value = part.value
        return byCurrentNames(inner, in: tree, &notes)
      }
    }
    guard let change = renamed.first(where: { names.starts(with: $0.old.names) }),
      tree[assignment.path] == nil
    else { return [assignment] }
    var current = assignment
    let inner = names.dropFirst(change.old.names.count)
    current.path = FieldPath(change.new.names + inner)
    current.source.lines = Dictionary(
      assignment.source.lines.map { path, line in
        guard path.names.starts(with: change.old.names) else { return (path, line) }
        return (FieldPath(change.new.names + path.names.dropFirst(change.old.names.count)), line)
      }, uniquingKeysWith: { first, _ in first })
    notes.append(
      "\(change.old) is called \(change.new) now (\(assignment.source(of: assignment.path)))")
    return [current]
  }
}
