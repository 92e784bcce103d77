/// A value of a recipe without its type: what a YAML file says, or what a `Codable` value encodes to.
///
/// Maps keep their order, so that a printed recipe reads in the order of its declaration.
public enum ValueTree: Hashable, Sendable {
  /// The absence of a value.
  case null
  /// A truth value.
  case bool(Bool)
  /// A whole number; wide enough for every integer type of the standard library's 64 bits.
  case integer(Int128)
  /// A number.
  case number(Double)
  /// A text, quoted where it comes from YAML.
  case text(String)
  /// An unquoted scalar of YAML. The field that it overrides decides whether `none` or `50` is a text,
  /// a number or nothing, which keeps clear of YAML 1.1's guesses (`no`, `0777`, `1:30`).
  case plain(String)
  /// Values in order.
  case list([ValueTree])
  /// Named values in order.
  case map([Entry])

  /// One named value of a map.
  public struct Entry: Hashable, Sendable {
    /// The name.
    public var key: String
    /// What it stands for.
    public var value: ValueTree

    /// Creates an entry.
    public init(_ key: String, _ value: ValueTree) {
      self.key = key
      self.value = value
    }
  }
}

extension ValueTree {
  /// The entries of a map; nil for anything else.
  public var entries: [Entry]? {
    if case .map(let entries) = self { entries } else { nil }
  }

  /// The value under a name of a map. Assigning nil removes it, a new name goes last; a value that
  /// is no map has no names and ignores the assignment.
  public subscript(key: String) -> ValueTree? {
    get { entries?.first { $0.key == key }?.value }
    set {
      guard var entries else { return }
      let index = entries.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append(Entry(key, value))
      case (nil, nil): return
      }
      self = .map(entries)
    }
  }

  /// The value at a path of names; nil where there is none.
  public subscript(path: FieldPath) -> ValueTree? {
    get { path.names.reduce(self as ValueTree?) { $0?[$1] } }
    set {
      guard let first = path.names.first else {
        self = newValue ?? .null
        return
      }
      let rest = FieldPath(Array(path.names.dropFirst()))
      if rest.names.isEmpty {
        self[first] = newValue
      } else if var child = self[first] {
        child[rest] = newValue
        self[first] = child
      }
    }
  }

  /// Paths of all values that are not maps, in order; an empty map counts as a value.
  public var leaves: [(path: FieldPath, value: ValueTree)] {
    guard let entries, !entries.isEmpty else { return [(FieldPath([]), self)] }
    return entries.flatMap { entry in
      entry.value.leaves.map { (FieldPath([entry.key] + $0.path.names), $0.value) }
    }
  }
}

extension ValueTree: CustomStringConvertible {
  /// The value on one line, as it would be typed after `--set path=`.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): ScalarText.written(value)
    case .text(let text): ScalarText.needsQuotes(text) ? "\"\(text)\"" : text
    case .plain(let text): text.isEmpty ? "nothing" : text
    case .list(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    case .map(let entries):
      "{" + entries.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
    }
  }

  /// `description`, shortened to fit a message and free of line breaks.
  package var excerpt: String {
    let line = String(description.prefix(200)).map { $0.isNewline ? " " : $0 }
    return line.count > 60 ? String(line.prefix(57)) + "…" : String(line)
  }
}

/// The names that lead from a recipe to one of its fields, written with dots: `model.encoder.depth`.
public struct FieldPath: Hashable, Sendable, ExpressibleByStringLiteral {
  /// From the outermost name to the innermost.
  public var names: [String]

  /// Creates a path from its names.
  public init(_ names: [String]) { self.names = names }

  /// Creates a path from its written form; `""` is the recipe itself.
  public init(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    names = text.isEmpty ? [] : parts.map(\.trimmingSpaces)
  }

  /// Creates a path from a literal.
  public init(stringLiteral text: String) { self.init(text) }

  /// The path of a field inside this one.
  public func appending(_ name: String) -> FieldPath { FieldPath(names + [name]) }
}

extension FieldPath: CustomStringConvertible {
  /// The written form.
  public var description: String { names.joined(separator: ".") }
}
