import FileSystem
public import Imaging

/// Images named by the lines of a text file: a path, or a path and a class.
///
/// Paths are relative to the list's folder. A class follows a tab, or, if it is a whole number, a
/// space; or the file has comma-separated values, `image,label`, whose columns may be named:
/// `labels.csv:image=photo,label=breed`. Lines that are empty or begin with `#` are skipped; a list
/// of paths that end with a zero byte (`find -print0`) is read as well. Classes that are all whole
/// numbers are those numbers, others are sorted.
public struct ListDataset: ImageDataset {
  /// The text file.
  public let path: String
  /// Names of the classes, or their numbers where the list has numbers.
  public let classes: [String]?
  public let labelProblem: DatasetError?
  private let folder: String
  private let paths: StringTable
  /// −1 for an image without a class.
  private let labels: [Int32]
  private let limits: ImageLimits

  /// Most lines' worth of text that is read.
  static let largestFile = 4 << 30
  /// Most classes that numbers may name.
  static let mostClasses = 1_000_000

  /// Reads a list.
  ///
  /// - Parameter wanted: the names of the classes, so that numbers agree with another list's.
  public init(
    path: String, classes wanted: [String]? = nil, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    try self.init(path: path, columns: nil, classes: wanted, limits: limits)
  }

  /// Reads a list.
  ///
  /// - Parameter columns: the columns of separated values that are read; nil to find them.
  init(
    path: String, columns: NamedColumns?, classes wanted: [String]?, limits: ImageLimits
  ) throws(DatasetError) {
    let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "."
    try self.init(
      path: path, folder: folder, isRelative: false, needsLabels: wanted != nil, limits: limits,
      columns: columns
    ) { tags throws(DatasetError) in try numbered(tags, wanted, path) }
  }

  /// Reads a list of paths below a folder, also where they begin with a slash, with numbers for the
  /// classes `names`.
  init(
    path: String, folder: String, names: [String], classes wanted: [String]?, limits: ImageLimits
  ) throws(DatasetError) {
    try self.init(
      path: path, folder: folder, isRelative: true, needsLabels: wanted != nil, limits: limits
    ) { tags throws(DatasetError) in
      guard tags.contains(where: { $0 != nil }) else {
        throw DatasetError(
          .malformed, path: path,
          "gives its images no classes; expected lines of a path and a number")
      }
      let (_, labels) = try numbered(tags, names, path)
      guard let wanted, wanted != names else { return (names, labels) }
      let used = Set(labels)
      let map = try ClassNumbers(
        names, among: wanted, used: { used.contains(Int32($0)) }, path: path)
      return (wanted, labels.map { $0 < 0 ? $0 : map.numbers[Int($0)] })
    }
  }

  /// Takes files by their paths.
  init(path: String, files: [String], limits: ImageLimits) {
    self.path = path
    self.limits = limits
    folder = "."
    paths = StringTable(files)
    (classes, labels, labelProblem) = (nil, [], nil)
  }

  private init(
    path: String, folder: String, isRelative: Bool, needsLabels: Bool, limits: ImageLimits,
    columns: NamedColumns? = nil,
    classes: ([Substring?]) throws(DatasetError) -> (classes: [String]?, labels: [Int32])
  ) throws(DatasetError) {
    self.path = path
    self.limits = limits
    self.folder = folder
    var paths = StringTable()
    var tags: [Substring?] = []
    let lines = try ListLines(path, columns: columns)
    var ending: String?
    for (line, tag) in lines {
      var name = String(isRelative ? line.drop { $0 == "/" } : line)
      if name.hasPrefix("file://") || name.hasPrefix("~/") { name = try PathWords.path(name) }
      if ending == nil { ending = try Self.ending(of: name, in: folder, lines.syntax, path: path) }
      paths.append(name + (ending ?? ""))
      tags.append(tag)
    }
    guard !paths.isEmpty else {
      throw DatasetError(.empty, path: path, "is a list without lines; expected a path on each")
    }
    self.paths = paths
    do throws(DatasetError) {
      let found = try classes(tags)
      if found.classes == nil, let problem = Self.missingColumn(lines.syntax, path: path) {
        throw problem
      }
      (self.classes, labels, labelProblem) = (found.classes, found.labels, nil)
    } catch {
      // Images can be looked at without their classes.
      if needsLabels { throw error }
      (self.classes, labels, labelProblem) = (nil, [], error)
    }
  }

  /// What is to be said of a heading none of whose columns is called like classes.
  private static func missingColumn(_ syntax: ListLines.Syntax, path: String) -> DatasetError? {
    guard case .values(let columns) = syntax, columns.isHeading, columns.label == nil,
      columns.names.count > 1
    else { return nil }
    return DatasetError(
      .malformed, path: path,
      "has the columns \(ListColumns.listed(columns.names)), and none is called like classes; if one "
        + "has them, name it: \(path):label=COLUMN")
  }

  /// What has to be added to the names of a list to find the files: nothing, or, where
  /// comma-separated values name images without it, the ending of the first.
  private static func ending(
    of first: String, in folder: String, _ syntax: ListLines.Syntax, path: String
  ) throws(DatasetError) -> String {
    let file = joined(folder, first)
    if PathKind(file) == .file { return "" }
    let lists = "lists \"\(first)\" first, and there is no such file"
    switch syntax {
    case .zeros: throw ListLines.binary(path)
    case .values(let columns):
      for ending in ImageFormat.allExtensions.sorted() where PathKind("\(file).\(ending)") == .file
      {
        return "." + ending
      }
      let names = ListColumns.listed(columns.names)
      let column = columns.isHeading ? " (column \(columns.path + 1) of \(names))" : ""
      throw DatasetError(
        .missing, path: path,
        "\(lists) in \(folder)\(column); expected rows of a path, relative to the list's folder, and "
          + "a class, below a heading such as image,label. Where the first line (\(names)) has other "
          + "names, say which columns are meant: \(path):image=COLUMN,label=COLUMN")
    case .lines:
      if first.contains(",") {
        throw DatasetError(
          .missing, path: path,
          "\(lists); where its lines are comma-separated values, begin it with a line image,label or "
            + "call it ….csv")
      }
      throw DatasetError(
        .missing, path: path,
        lists
          + (folder == "." || path.hasPrefix(folder)
            ? "; expected one image path a line, relative to the list's folder" : " in \(folder)"))
    }
  }

  /// Number of lines with a path.
  public var count: Int { paths.count }

  /// The class on an image's line.
  public func label(of index: Int) -> Int? {
    labels.isEmpty || labels[index] < 0 ? nil : Int(labels[index])
  }

  /// The path as the list has it; bytes that are no text as `\xe9`.
  public func name(of index: Int) -> String { paths[index].shownPath }

  /// Reads the file.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: joined(folder, paths[index]), limits: limits))
  }
}

extension ListDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .file(joined(folder, paths[index])) }
}

/// The classes and the number of each tag's; −1 for a line without one.
private func numbered(
  _ tags: [Substring?], _ wanted: [String]?, _ path: String
) throws(DatasetError) -> (classes: [String]?, labels: [Int32]) {
  let given = tags.compactMap(\.self)
  guard !given.isEmpty else { return (nil, []) }
  if wanted != nil, let missing = tags.firstIndex(where: { $0 == nil }) {
    throw DatasetError(
      .malformed, path: path,
      "names a class for some images and none for others (first image \(missing + 1)); "
        + "give one to every line")
  }
  let numbers = given.map { Int($0) }
  if numbers.allSatisfy({ $0 != nil }) {
    let values = numbers.compactMap(\.self)
    let largest = values.max() ?? 0
    let limit = wanted?.count ?? ListDataset.mostClasses
    guard let smallest = values.min(), smallest >= 0, largest < limit else {
      throw DatasetError(
        .malformed, path: path,
        "has class numbers from \(values.min() ?? 0) to \(largest); "
          + "expected 0 to \(limit - 1)")
    }
    let labels = tags.map { tag in tag.flatMap { Int32($0) } ?? -1 }
    return (wanted ?? (0...largest).map(String.init), labels)
  }
  // By their bytes, so that names are not taken for one another that only look the same.
  let names = Dictionary(given.map { (ExactName($0), String($0)) }) { first, _ in first }
    .sorted { $0.value < $1.value }
  let order = Dictionary(names.enumerated().map { ($1.key, Int32($0)) }) { first, _ in first }
  let own = tags.map { tag in tag.flatMap { order[ExactName($0)] } ?? -1 }
  let classes = names.map(\.value.shownPath)
  guard let wanted else { return (classes, own) }
  let map = try ClassNumbers(classes, among: wanted, path: path)
  return (wanted, own.map { $0 < 0 ? $0 : map.numbers[Int($0)] })
}

/// Any file: a list of paths.
struct ListFormat: DatasetFormat {
  var name: String { "a text list of paths" }

  func recognizes(_ path: PathFacts) -> Bool { path.kind == .file }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: path.path, "is a list")
    return try ListDataset(path: path.path, classes: request.classes, limits: request.limits)
  }
}
