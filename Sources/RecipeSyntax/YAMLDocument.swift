internal import Yams

/// A YAML text as values, with the lines they stand on.
public struct YAMLDocument: Hashable, Sendable {
  /// The values.
  public var tree: ValueTree
  /// Line of each map entry, counted from 1.
  public var lines: [FieldPath: Int]

  /// The largest text that is read, in bytes. A complete recipe has about 2,000.
  public static let largestText = 256 * 1024
  private static let mostValues = 20_000
  private static let mostAliases = 12

  /// Reads one document; `source` names it in messages.
  ///
  /// A text that is too large, or whose aliases multiply, is refused before it takes time or memory.
  public init(parsing text: String, source: String) throws(FieldError) {
    func refusal(_ message: String) -> FieldError { FieldError("", "\(source) \(message)") }
    guard text.utf8.count <= Self.largestText else {
      throw refusal("is too large for a recipe: over \(Self.largestText / 1024) KiB")
    }
    guard Self.aliases(in: text) <= Self.mostAliases else {
      throw refusal("uses too many YAML aliases (*name); write the values out")
    }
    let root: Node?
    do {
      root = try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw refusal(Self.explanation(of: error))
    } catch {
      throw refusal("is not valid YAML")
    }
    guard let root else {
      throw refusal("is empty; expected fields, such as `schedule: {epochs: 50}`")
    }
    var reader = NodeReader(valuesLeft: Self.mostValues)
    do throws(NodeReader.Refusal) {
      tree = try reader.tree(of: root, at: "", depth: 0)
    } catch {
      throw refusal(error.message)
    }
    lines = reader.lines
  }

  /// Words that look like uses of an alias, if there is a word that looks like an anchor.
  private static func aliases(in text: String) -> Int {
    var previous: UInt8 = 0x0A
    var anchors = 0
    var aliases = 0
    for byte in text.utf8 {
      if !isSpace(byte), previous == UInt8(ascii: "&") { anchors += 1 }
      if !isSpace(byte), previous == UInt8(ascii: "*") { aliases += 1 }
      previous = byte
    }
    return anchors == 0 ? 0 : aliases
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte <= 0x20 }

  private static func explanation(of error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "is not valid YAML: \(problem) at line \(mark.line), column \(mark.column)"
    case .reader(let problem, _, _, _): "is not a text file: \(problem)"
    case .duplicatedKeysInMapping(let names, let context):
      "gives \(names.first ?? "a field") twice, at line \(context.mark.line)"
    default: "is not valid YAML"
    }
  }
}

/// Turns Yams' nodes into values, counting as it goes.
private struct NodeReader {
  struct Refusal: Error {
    var message: String
  }

  var valuesLeft: Int
  var lines: [FieldPath: Int] = [:]

  mutating func tree(of node: Node, at path: FieldPath, depth: Int) throws(Refusal) -> ValueTree {
    valuesLeft -= 1
    guard valuesLeft > 0 else { throw Refusal(message: "holds too many values for a recipe") }
    guard depth < 64 else { throw Refusal(message: "is nested too deeply for a recipe") }
    switch node {
    case .scalar(let scalar):
      return scalar.style == .plain ? .plain(scalar.string) : .text(scalar.string)
    case .sequence(let nodes):
      var values: [ValueTree] = []
      for node in nodes { values.append(try tree(of: node, at: path, depth: depth + 1)) }
      return .list(values)
    case .mapping(let pairs):
      var entries: [ValueTree.Entry] = []
      for (key, value) in pairs {
        guard case .scalar(let name) = key else {
          throw Refusal(message: "has a field name that is no single word\(place(of: key))")
        }
        let path = path.appending(name.string)
        lines[path] = key.mark?.line
        let value = try tree(of: value, at: path, depth: depth + 1)
        entries.append(ValueTree.Entry(name.string, value))
      }
      return .map(entries)
    case .alias:
      throw Refusal(message: "uses a YAML alias where none is understood")
    }
  }

  private func place(of node: Node) -> String {
    node.mark.map { ", at line \($0.line)" } ?? ""
  }
}

extension ValueTree {
  /// Block YAML: maps in their order, lists on one line, numbers exact, texts quoted where another
  /// reader could take them for something else. Each line of `header` becomes a comment.
  public func yaml(header: [String] = []) -> String {
    let comments = header.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
      .map { $0.isEmpty ? "#\n" : "# \($0)\n" }.joined()
    // The emitter fails on no tree of scalars, lists and maps; `description` is YAML too.
    let body = (try? serialize(node: node, indent: 2, width: -1, allowUnicode: true)) ?? "\(self)\n"
    return comments + body
  }

  private var node: Node {
    switch self {
    case .text(let text):
      let style: Node.Scalar.Style =
        text.contains(where: \.isNewline)
        ? .literal : ScalarText.needsQuotes(text) ? .doubleQuoted : .any
      return .scalar(.init(text, .implicit, style))
    case .list(let values):
      return .sequence(.init(values.map(\.node), .implicit, .flow))
    case .map(let entries):
      return .mapping(.init(entries.map { (.scalar(.init($0.key)), $0.value.node) }))
    case .null, .bool, .integer, .number: return .scalar(.init(description))
    case .plain(let text): return .scalar(.init(text, .implicit, .plain))
    }
  }
}
