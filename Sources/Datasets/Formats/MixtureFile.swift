import Imaging
import Yams

/// The file that lists the sets of a mixture.
///
/// YAML, a list of maps: `data` names a set as on the command line, a path beginning at the file's
/// folder; `weight` is its share in proportion to the others.
///
///     - {data: photos, weight: 0.7}
///     - {data: "shards/a-{000..127}.tar", weight: 0.3}
enum MixtureFile {
  /// Most bytes of a file.
  static let largest = 1 << 20

  /// Whether a path has the name of such a file.
  static func isOne(_ path: String) -> Bool { ["yaml", "yml"].contains(fileExtension(path)) }

  /// Reads a file and opens the sets it lists.
  static func open(
    _ path: String, _ request: DatasetRequest
  ) throws(DatasetError) -> MixtureDataset {
    // A source keeps its own classes; the mixture numbers them.
    var part = request
    part.classes = nil
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    var sources: [MixtureDataset.Source] = []
    for (number, entry) in try entries(of: path).enumerated() {
      do throws(DatasetError) {
        guard !isOne(entry.data) else {
          throw DatasetError(
            .malformed, path: entry.data, "is a mixture itself; list its sets here")
        }
        sources.append(
          MixtureDataset.Source(
            entry.data,
            try openDataset(at: place(of: entry.data, in: folder), part),
            weight: entry.weight))
      } catch {
        throw DatasetError(error.kind, path: path, "entry \(number + 1): \(error)")
      }
    }
    return try MixtureDataset(sources, path: path, classes: request.classes)
  }

  /// Where a set is: beside the file, or among the fetched ones.
  private static func place(of word: String, in folder: String) throws(DatasetError) -> String {
    let resolved = try PathWords.path(word)
    if HTTPClient.isAddress(resolved) { return resolved }
    let path = joined(folder, resolved)
    if case .nothing = PathKind(path), DatasetCatalog.names.contains(word) {
      return try DatasetCatalog.path(for: word)
    }
    return path
  }

  private struct Entry {
    var data: String
    var weight: Double?
  }

  private static func entries(of path: String) throws(DatasetError) -> [Entry] {
    func problem(_ reason: String) -> DatasetError {
      DatasetError(.malformed, path: path, reason)
    }
    let expected = "expected a list of sets, such as `- {data: photos, weight: 0.7}`"
    let bytes: [UInt8]
    do throws(ImageError) {
      bytes = try readText(path, limit: largest)
    } catch {
      throw DatasetError(error, path: path)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw problem("is no text; \(expected)")
    }
    let root: Node?
    do {
      root = try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch {
      throw problem("is not valid YAML; \(expected)")
    }
    guard case .sequence(let nodes)? = root, !nodes.isEmpty else {
      throw problem("lists no sets; \(expected)")
    }
    guard nodes.count <= MixtureDataset.most else {
      throw problem("lists \(nodes.count) sets; expected at most \(MixtureDataset.most)")
    }
    var entries: [Entry] = []
    for (number, node) in nodes.enumerated() {
      let name = "entry \(number + 1)"
      guard case .mapping(let pairs) = node else {
        throw problem("\(name) is no map of fields; \(expected)")
      }
      var entry = Entry(data: "")
      for (key, value) in pairs {
        guard case .scalar(let field) = key, case .scalar(let scalar) = value else {
          throw problem("\(name) has a field that is no single word; \(expected)")
        }
        switch field.string {
        case "data": entry.data = scalar.string
        case "weight":
          guard let weight = Double(scalar.string), weight > 0, weight.isFinite else {
            throw problem("\(name): weight is \(scalar.string); expected a number above 0")
          }
          entry.weight = weight
        default:
          throw problem("\(name) has an unknown field \(field.string); expected data and weight")
        }
      }
      guard !entry.data.isEmpty else { throw problem("\(name) names no data; \(expected)") }
      entries.append(entry)
    }
    return entries
  }
}

/// A YAML file that lists the sets of a mixture.
struct MixtureFormat: DatasetFormat {
  var name: String { "a mixture (.yaml: a list of {data, weight})" }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .file && MixtureFile.isOne(path.path)
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try MixtureFile.open(path.path, request)
  }
}
