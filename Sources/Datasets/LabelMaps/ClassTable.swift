import FileSystem
import Imaging

/// The classes of a set of label maps as a file lists them: `classes.csv` with a head
/// `id,name[,red,green,blue]`; `classes.txt` with a name a line, numbered from 0; or ADE20K's
/// `objectInfo150.txt`.
///
/// A class called `ignored`, `ignore`, `void` or `unlabeled` is none: its number or colour is
/// ignored.
struct ClassTable: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    var id: Int
    var name: String
    var color: [UInt8]?
  }

  var entries: [Entry]
  let path: String

  /// Names of files that are looked for in a set's folder.
  static let names = ["classes.csv", "classes.txt", "objectInfo150.txt"]

  private static let ignoredNames: Set<String> = [
    "ignored", "ignore", "void", "unlabeled", "unlabelled",
  ]

  init(path: String) throws(DatasetError) {
    self.path = path
    let text: String
    do throws(ImageError) {
      text = String(decoding: try readText(path, limit: 1 << 24), as: UTF8.self)
    } catch {
      throw DatasetError(error, path: path)
    }
    var lines: [Substring] = text.split(
      omittingEmptySubsequences: false, whereSeparator: { $0.isNewline })
    while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
    entries = []
    switch fileExtension(path) {
    case "csv": entries = try Self.entries(ofCSV: lines, path: path)
    default:
      let isInfo = lastComponent(path).hasPrefix("objectInfo")
      entries =
        isInfo
        ? try Self.entries(ofObjectInfo: lines, path: path)
        : lines.enumerated().map { Entry(id: $0, name: $1.trimmed) }
    }
    try check()
  }

  private func check() throws(DatasetError) {
    guard !entries.allSatisfy(isIgnored) else {
      throw DatasetError(.malformed, path: path, "lists no classes; expected one a line")
    }
    var seen: Set<Int> = []
    var names: Set<String> = []
    for entry in entries {
      guard (0..<65_535).contains(entry.id) else {
        throw DatasetError(
          .malformed, path: path,
          "gives \"\(entry.name)\" the number \(entry.id); expected 0 to 65534")
      }
      guard seen.insert(entry.id).inserted else {
        throw DatasetError(
          .malformed, path: path, "gives two classes the number \(entry.id); number them apart")
      }
      guard !entry.name.isEmpty else {
        throw DatasetError(
          .malformed, path: path, "gives no name to the class \(entry.id); name it")
      }
      guard isIgnored(entry) || names.insert(entry.name).inserted else {
        throw DatasetError(
          .malformed, path: path, "has two classes called \"\(entry.name)\"; name them apart")
      }
    }
  }

  private func isIgnored(_ entry: Entry) -> Bool {
    Self.ignoredNames.contains(entry.name.lowercased())
  }

  /// Whether the table says what 0 is.
  var saysWhatZeroIs: Bool { entries.contains { $0.id == 0 } }

  /// Colours that are ignored.
  var ignoredColors: [UInt32] {
    entries.filter(isIgnored).compactMap { entry in
      entry.color.map { LabelNumbering.key($0[0], $0[1], $0[2]) }
    }
  }

  /// The classes in the order of their numbers.
  func numbering(zeroIs: ZeroLabel?) -> LabelNumbering {
    var kept = entries.filter { !isIgnored($0) }.sorted { $0.id < $1.id }
    var ignored = entries.filter(isIgnored).map(\.id)
    if !saysWhatZeroIs {
      if zeroIs == .background { kept.insert(Entry(id: 0, name: "background"), at: 0) }
      if zeroIs == .ignored { ignored.append(0) }
    }
    return LabelNumbering(
      names: kept.map(\.name), ids: kept.map(\.id), ignoredIDs: ignored,
      colors: kept.map(\.color))
  }

  private static func entries(
    ofCSV lines: [Substring], path: String
  ) throws(DatasetError) -> [Entry] {
    let head = (lines.first ?? "").split(separator: ",").map { $0.trimmed.lowercased() }
    guard let id = head.firstIndex(of: "id"), let name = head.firstIndex(of: "name") else {
      throw DatasetError(
        .malformed, path: path,
        "begins with the line \"\(lines.first ?? "")\"; expected id,name or id,name,red,green,blue")
    }
    let places = ["red", "green", "blue"].compactMap { head.firstIndex(of: $0) }
    var entries: [Entry] = []
    for (number, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
      guard fields.count == head.count, let key = Int(fields[id]) else {
        throw DatasetError(
          .malformed, path: path,
          "line \(number + 1) is \"\(line.prefix(60))\"; expected \(head.joined(separator: ","))")
      }
      var color: [UInt8]?
      if places.count == 3, places.contains(where: { !fields[$0].isEmpty }) {
        let values = places.compactMap { UInt8(fields[$0]) }
        guard values.count == 3 else {
          throw DatasetError(
            .malformed, path: path,
            "line \(number + 1) has a colour that is not red, green and blue from 0 to 255")
        }
        color = values
      }
      entries.append(Entry(id: key, name: fields[name], color: color))
    }
    return entries
  }

  /// ADE20K's table: tab-separated, the number first, the names last, of which the first is taken.
  private static func entries(
    ofObjectInfo lines: [Substring], path: String
  ) throws(DatasetError) -> [Entry] {
    var entries: [Entry] = []
    for (number, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: "\t").map(\.trimmed)
      guard let first = fields.first, let id = Int(first), let last = fields.last, fields.count > 1
      else {
        throw DatasetError(
          .malformed, path: path, "line \(number + 1) does not begin with a number of a class")
      }
      let name = last.split(separator: ",").first.map(\.trimmed) ?? last
      entries.append(Entry(id: id, name: entries.contains { $0.name == name } ? last : name))
    }
    return entries
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  fileprivate var trimmed: String {
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
