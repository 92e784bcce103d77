public import Imaging

/// Images named by the lines of a text file: a path, or a path and a class.
///
/// Paths are relative to the list's folder. A class follows a tab, or, if it is a whole number, a
/// space. Lines that are empty or begin with `#` are skipped. Either all lines have a class or
/// none; classes that are all whole numbers are those numbers, others are sorted.
public struct ListDataset: ImageDataset {
  /// The text file.
  public let path: String
  /// Names of the classes, or their numbers where the list has numbers.
  public let classes: [String]?
  private let folder: String
  private let paths: StringTable
  private let labels: [Int32]
  private let limits: ImageLimits

  /// Most lines' worth of text that is read.
  static let largestFile = 4 << 30
  /// Most classes that numbers may name.
  static let mostClasses = 1_000_000

  /// Reads a list.
  ///
  /// - Parameter classes: the names of the classes, so that numbers agree with another list's.
  public init(
    path: String, classes wanted: [String]? = nil, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    try self.init(
      path: path, folder: folder, isRelative: false, limits: limits
    ) { tags throws(DatasetError) in try numbered(tags, wanted, path) }
  }

  /// Reads a list of paths below a folder, also where they begin with a slash, with numbers for the
  /// classes `names`.
  init(
    path: String, folder: String, names: [String], classes wanted: [String]?, limits: ImageLimits
  ) throws(DatasetError) {
    try self.init(
      path: path, folder: folder, isRelative: true, limits: limits
    ) { tags throws(DatasetError) in
      guard !tags.isEmpty else {
        throw DatasetError(
          .malformed, path: path,
          "gives its images no classes; expected lines of a path and a number")
      }
      let (_, labels) = try numbered(tags, names, path)
      guard let wanted, wanted != names else { return (names, labels) }
      let used = Set(labels)
      let map = try ClassNumbers(
        names, among: wanted, used: { used.contains(Int32($0)) }, path: path)
      return (wanted, labels.map { map.numbers[Int($0)] })
    }
  }

  private init(
    path: String, folder: String, isRelative: Bool, limits: ImageLimits,
    classes: ([Substring]) throws(DatasetError) -> (classes: [String]?, labels: [Int32])
  ) throws(DatasetError) {
    self.path = path
    self.limits = limits
    self.folder = folder
    var paths = StringTable()
    var tags: [Substring] = []
    for (line, tag) in try ListLines(path) {
      let name = isRelative ? line.drop { $0 == "/" } : line
      if !paths.isEmpty, tags.isEmpty != (tag == nil) {
        throw DatasetError(
          .malformed, path: path,
          "names a class for some images and none for others (first \"\(name)\"); "
            + "give one to every line or to none")
      }
      paths.append(String(name))
      if let tag { tags.append(tag) }
    }
    guard !paths.isEmpty else {
      throw DatasetError(.empty, path: path, "is a list without lines; expected a path on each")
    }
    guard PathKind(joined(folder, paths[0])) == .file else {
      throw DatasetError(
        .missing, path: path,
        "lists \"\(paths[0])\" first, and there is no such file"
          + (isRelative
            ? " in \(folder)"
            : "; expected one image path a line, relative to the list's folder"))
    }
    self.paths = paths
    (self.classes, labels) = try classes(tags)
  }

  /// Number of lines with a path.
  public var count: Int { paths.count }

  /// The class on an image's line.
  public func label(of index: Int) -> Int? { labels.isEmpty ? nil : Int(labels[index]) }

  /// The path as the list has it.
  public func name(of index: Int) -> String { paths[index] }

  /// Reads the file.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: joined(folder, paths[index]), limits: limits))
  }
}

extension ListDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .file(joined(folder, paths[index])) }
}

/// The paths of a list's lines, and the classes that follow them; a sequence.
struct ListLines: Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var position = 0

  /// Reads a file that is text.
  init(_ path: String) throws(DatasetError) {
    do throws(ImageError) {
      bytes = try readFile(path, limit: ListDataset.largestFile)
    } catch {
      throw DatasetError(error, path: path)
    }
    if let format = ImageFormat(recognizing: bytes) {
      throw DatasetError(
        .malformed, path: path,
        "is one \(format.rawValue) image; expected a folder of images or a list of their paths")
    }
    guard !bytes.contains(0) else {
      throw DatasetError(
        .malformed, path: path,
        "is a binary file; expected \(DatasetFormats.names)")
    }
  }

  mutating func next() -> (path: Substring, tag: Substring?)? {
    while position < bytes.count {
      let line = bytes[position...].prefix { $0 != 0x0A && $0 != 0x0D }
      position = line.endIndex + 1
      let text = String(decoding: line, as: UTF8.self).drop { $0 == " " || $0 == "\t" }
      if text.isEmpty || text.hasPrefix("#") { continue }
      return parsed(text)
    }
    return nil
  }
}

/// The path and the class of a line.
private func parsed(_ line: Substring) -> (path: Substring, tag: Substring?) {
  func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
  let line = trimmed(line)
  if let tab = line.lastIndex(of: "\t") {
    return (trimmed(line[..<tab]), line[line.index(after: tab)...])
  }
  if let space = line.lastIndex(of: " "), Int(line[line.index(after: space)...]) != nil {
    return (trimmed(line[..<space]), line[line.index(after: space)...])
  }
  return (line, nil)
}

/// The classes and the number of each tag's.
private func numbered(
  _ tags: [Substring], _ wanted: [String]?, _ path: String
) throws(DatasetError) -> (classes: [String]?, labels: [Int32]) {
  guard !tags.isEmpty else { return (nil, []) }
  let numbers = tags.map { Int($0) }
  if numbers.allSatisfy({ $0 != nil }) {
    let values = numbers.compactMap { $0 }
    let largest = values.max() ?? 0
    let limit = wanted?.count ?? ListDataset.mostClasses
    guard let smallest = values.min(), smallest >= 0, largest < limit else {
      throw DatasetError(
        .malformed, path: path,
        "has class numbers from \(values.min() ?? 0) to \(largest); "
          + "expected 0 to \(limit - 1)")
    }
    return (wanted ?? (0...largest).map(String.init), values.map(Int32.init))
  }
  let names = Set(tags).map(String.init).sorted()
  let order = Dictionary(
    uniqueKeysWithValues: names.enumerated().map { (Substring($1), Int32($0)) })
  let own = tags.map { order[$0] ?? 0 }
  guard let wanted else { return (names, own) }
  let map = try ClassNumbers(names, among: wanted, path: path)
  return (wanted, own.map { map.numbers[Int($0)] })
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
