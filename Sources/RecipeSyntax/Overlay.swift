/// Values to lay over a typed value: those of files, then those of `--set`, the later over the
/// earlier.
public struct Overlay: Sendable {
  /// Paths whose value may be given by a name that stands for a whole group.
  public var shorthands: [Shorthand]
  private var assignments: [Assignment] = []
  private var mistakes: [FieldMistake] = []

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

  /// Creates an overlay that changes nothing.
  public init(shorthands: [Shorthand] = []) { self.shorthands = shorthands }

  /// Adds an assignment as typed after `--set`: `path=value`, where the value is a word, a number, or
  /// a list or map in YAML's one-line form. A malformed one is reported when the overlay is applied.
  public mutating func set(_ text: String, source: String = "--set") {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = FieldPath(String(parts[0]))
    guard parts.count == 2, !path.names.isEmpty, !path.names.contains("") else {
      let excerpt = ValueTree.plain(text).excerpt
      mistakes.append(
        FieldMistake("", "\(source) \(excerpt): expected path=value, such as budget.epochs=50"))
      return
    }
    let value = parts[1].trimmingSpaces
    guard let first = value.first, "[{\"'".contains(first) else {
      assignments.append(
        Assignment(path: path, value: .plain(value), source: Source(name: source)))
      return
    }
    do throws(FieldMistake) {
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
      mistakes.append(FieldMistake("", message))
      return
    }
    let source = Source(name: source, lines: document.lines)
    for entry in entries {
      let path = FieldPath([entry.key])
      assignments.append(Assignment(path: path, value: entry.value, source: source))
    }
  }

  /// The value with everything laid over it that could be, and what could not.
  ///
  /// Assignments are tried one after another, each on what the ones before it made, so that every
  /// mistake is reported and an assignment may build on an earlier one.
  public func applied<T: Codable>(to base: T) -> (value: T, mistakes: [FieldMistake]) {
    var target = OverlayTarget(base, shorthands: shorthands)
    for assignment in assignments { target.assign(assignment) }
    return (target.value, mistakes + target.mistakes)
  }
}
