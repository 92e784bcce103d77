import FileSystem
import Foundation
public import Imaging

/// Images listed by a JSON file of iNaturalist's competitions (2017 to 2021): `images` with `id`
/// and `file_name`, `annotations` with `image_id` and `category_id`, and `categories` with `id` and
/// `name`.
///
/// The classes are the categories in the order of their ids, which may have gaps, also those that
/// no image has. Where the names were made unreadable (2018, 2019), a file `categories.json` beside
/// the list gives the real ones. A file without annotations (`test2018.json`) is a set without
/// classes.
///
/// Paths are relative to the JSON file's folder. Of the JSON nothing is kept but paths and classes;
/// reading it takes about five times its size in memory.
public struct INaturalistDataset: ImageDataset {
  /// The JSON file.
  public let path: String
  /// The names of the categories; nil for a file without annotations.
  public let classes: [String]?
  public let labelProblem: DatasetError?
  private let folder: String
  private let paths: StringTable
  private let labels: [Int32]
  private let limits: ImageLimits

  /// Largest file that is read.
  static let largestFile = 1 << 30

  /// Reads a list.
  ///
  /// - Parameter wanted: the classes of another part of the same set, so that numbers agree.
  public init(
    path: String, classes wanted: [String]? = nil, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let list: List = try decoded(path)
    guard !list.images.isEmpty else {
      throw DatasetError(.empty, path: path, "lists no images")
    }
    self.path = path
    self.limits = limits
    folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let paths = StringTable(list.images.lazy.map(\.file_name))
    let first = paths[0]
    guard PathKind(joined(folder, first)) == .file else {
      throw DatasetError(
        .missing, path: path,
        "lists \"\(first)\" first, and there is no such file; expected the images' archive to be "
          + "unpacked beside the list")
    }
    self.paths = paths
    guard let annotations = list.annotations, !annotations.isEmpty else {
      guard wanted == nil else {
        throw DatasetError(
          .malformed, path: path, "has no annotations, so its images have no classes")
      }
      (classes, labels, labelProblem) = (nil, [], nil)
      return
    }
    do throws(DatasetError) {
      let categories = try Categories(list, path: path)
      (classes, labels) = try Self.labels(
        of: list.images, annotations, categories, among: wanted, path: path)
      labelProblem = nil
    } catch {
      // Images can be looked at without their classes.
      if wanted != nil { throw error }
      (classes, labels, labelProblem) = (nil, [], error)
    }
  }

  /// Number of images.
  public var count: Int { paths.count }

  /// The class of an image.
  public func label(of index: Int) -> Int? {
    labels.isEmpty || labels[index] < 0 ? nil : Int(labels[index])
  }

  /// The path as the list has it.
  public func name(of index: Int) -> String { paths[index].shownPath }

  /// Reads the file.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: joined(folder, paths[index]), limits: limits))
  }
}

extension INaturalistDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .file(joined(folder, paths[index])) }
}

extension INaturalistDataset {
  /// The number among the categories of each image's.
  private static func labels(
    of images: [List.Image], _ annotations: [List.Annotation], _ categories: Categories,
    among wanted: [String]?, path: String
  ) throws(DatasetError) -> (classes: [String], labels: [Int32]) {
    var owners: [Int: Int32] = [:]
    owners.reserveCapacity(annotations.count)
    for annotation in annotations {
      guard let label = categories.positions[annotation.category_id] else {
        throw DatasetError(
          .malformed, path: path,
          "gives image \(annotation.image_id) the category \(annotation.category_id), which is not "
            + "among its \(categories.names.count) categories")
      }
      if let other = owners.updateValue(label, forKey: annotation.image_id), other != label {
        throw DatasetError(
          .malformed, path: path,
          "gives image \(annotation.image_id) two categories; expected one for each image, as in "
            + "iNaturalist's lists (a list for detection is no set of classes)")
      }
    }
    var labels: [Int32] = []
    labels.reserveCapacity(images.count)
    for image in images {
      let label = owners[image.id]
      if wanted != nil, label == nil {
        throw DatasetError(
          .malformed, path: path,
          "gives \(image.file_name) (image \(image.id)) no category; expected one annotation for each "
            + "image")
      }
      labels.append(label ?? -1)
    }
    guard let wanted, wanted != categories.names else { return (categories.names, labels) }
    let used = Set(labels)
    let map = try ClassNumbers(
      categories.names, among: wanted, used: { used.contains(Int32($0)) }, path: path)
    return (wanted, labels.map { map.numbers[Int($0)] })
  }

  /// What of a JSON file is read.
  fileprivate struct List: Decodable {
    struct Image: Decodable {
      var id: Int
      var file_name: String
    }
    struct Annotation: Decodable {
      var image_id: Int
      var category_id: Int
    }
    struct Category: Decodable {
      var id: Int
      var name: String
    }

    var images: [Image]
    var annotations: [Annotation]?
    var categories: [Category]?
  }

  /// The categories in the order of their ids.
  private struct Categories {
    let names: [String]
    /// The place of each id in that order.
    let positions: [Int: Int32]

    init(_ list: List, path: String) throws(DatasetError) {
      var categories = list.categories ?? []
      if categories.isEmpty {
        let ids = Set((list.annotations ?? []).map(\.category_id))
        categories = ids.map { List.Category(id: $0, name: String($0)) }
      }
      let beside = path.dropLast(lastComponent(path).count) + "categories.json"
      if PathKind(String(beside)) == .file, let real: [List.Category] = try? decoded(String(beside))
      {
        let names = Dictionary(
          real.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        // Of another set where an id is missing.
        if categories.allSatisfy({ names[$0.id] != nil }) {
          for i in categories.indices {
            categories[i].name = names[categories[i].id] ?? categories[i].name
          }
        }
      }
      categories.sort { $0.id < $1.id }
      if let (one, _) = zip(categories, categories.dropFirst()).first(where: { $0.id == $1.id }) {
        throw DatasetError(.malformed, path: path, "has two categories of the id \(one.id)")
      }
      positions = Dictionary(
        uniqueKeysWithValues: categories.enumerated().map { ($1.id, Int32($0)) })
      let times = Dictionary(categories.map { ($0.name, 1) }, uniquingKeysWith: +)
      names = categories.map { times[$0.name] == 1 ? $0.name : "\($0.name) (\($0.id))" }
    }
  }
}

/// The year of a list's name, `train2018.json` or `val2018.json`, and its part of the set.
struct INaturalistFolder {
  private let path: String
  private let names: [String]

  /// Nil where none of the names is one of a list.
  init?(_ path: String, names: [String]) {
    self.path = path
    self.names = names.filter { Self.split(of: $0) != nil }
    if self.names.isEmpty { return nil }
  }

  /// The part of a set that a list named `train2018.json` or `val2018.json` is.
  static func split(of name: String) -> DatasetSplit? {
    let parts: [(String, DatasetSplit)] = [("train", .training), ("val", .validation)]
    for (word, split) in parts where name.hasPrefix(word) && name.hasSuffix(".json") {
      let year = name.dropFirst(word.count).dropLast(".json".count)
      if year.count == 4, year.hasPrefix("20"), Int(year) != nil { return split }
    }
    return nil
  }

  /// The list of one part.
  func list(_ split: DatasetSplit) throws(DatasetError) -> String {
    let lists = names.filter { Self.split(of: $0) == split }
    guard let list = lists.first else {
      throw DatasetError(
        .missingSplit, path: path,
        "has no \(split == .training ? "train" : "val")20….json for \(split.rawValue); found "
          + names.joined(separator: ", "))
    }
    guard lists.count == 1 else {
      throw DatasetError(
        .malformed, path: path, "holds several lists (\(lists.joined(separator: ", "))); name one")
    }
    return joined(path, list)
  }

  /// The list of the validation images that belongs to one of training images: `val2018.json`
  /// beside `train2018.json`.
  static func validation(of list: String) -> String? {
    let name = lastComponent(list)
    guard name.hasPrefix("train") else { return nil }
    let other = list.dropLast(name.count) + "val" + name.dropFirst("train".count)
    return PathKind(String(other)) == .file ? String(other) : nil
  }
}

/// Reads a JSON file.
private func decoded<Value: Decodable>(_ path: String) throws(DatasetError) -> Value {
  let bytes: Data
  do throws(ImageError) {
    bytes = Data(try readText(path, limit: INaturalistDataset.largestFile))
  } catch {
    throw DatasetError(error, path: path)
  }
  do {
    return try JSONDecoder().decode(Value.self, from: bytes)
  } catch {
    throw DatasetError(.malformed, path: path, problem(error))
  }
}

/// What is wrong with a JSON file.
private func problem(_ error: any Error) -> String {
  let expected =
    "expected images with id and file_name, annotations and categories as iNaturalist's"
  func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
    let path = context.codingPath + (key.map { [$0] } ?? [])
    return path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
  }
  switch error as? DecodingError {
  case .keyNotFound(let key, let context)?: return "lacks \(place(context, key)); \(expected)"
  case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?:
    return "has a value of another kind at \(place(context)); \(expected)"
  default: return "is no JSON that can be read, or is cut short; \(expected)"
  }
}

/// One of iNaturalist's lists.
struct INaturalistFileFormat: DatasetFormat {
  var name: String { "an iNaturalist list or folder" }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .file && fileExtension(path.path) == "json"
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    var list = path.path
    if request.split == .validation {
      let other = INaturalistFolder.validation(of: list)
      if other == nil { try request.refuseValidation(of: list, "is a list") }
      list = other ?? list
    }
    return try INaturalistDataset(path: list, classes: request.classes, limits: request.limits)
  }
}

/// A folder with iNaturalist's lists.
struct INaturalistFolderFormat: DatasetFormat {
  var name: String { INaturalistFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool {
    path.names.contains { INaturalistFolder.split(of: $0) != nil }
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    guard let set = INaturalistFolder(path.path, names: path.names) else {
      preconditionFailure("\(path.path) has no lists of iNaturalist's")
    }
    return try INaturalistDataset(
      path: set.list(request.split), classes: request.classes, limits: request.limits)
  }
}
