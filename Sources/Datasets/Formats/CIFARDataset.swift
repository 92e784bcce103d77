public import Imaging

/// The images of CIFAR-10 or CIFAR-100 in their makers' binary files (Krizhevsky, 2009), held in
/// memory.
public struct CIFARDataset: ImageDataset {
  /// The folder.
  public let path: String
  /// The names in `batches.meta.txt` or `fine_label_names.txt`, or the labels' numbers; or the
  /// names that were given.
  public let classes: [String]?
  private let kind: Kind
  /// The files' names, and the number of the first image of each.
  private let files: [(name: String, first: Int)]
  private let records: [UInt8]
  /// The class that each of the files' labels is.
  private let numbers: [Int32]

  /// 32×32 pixels, red, green and blue planes.
  private static let side = 32
  private static let pixels = 3 * side * side

  enum Kind {
    case ten
    case hundred

    /// Bytes before the pixels; the last of them is the class.
    var labelBytes: Int { self == .ten ? 1 : 2 }
    var record: Int { labelBytes + CIFARDataset.pixels }
    var classCount: Int { self == .ten ? 10 : 100 }
    var namesFile: String { self == .ten ? "batches.meta.txt" : "fine_label_names.txt" }

    func files(_ split: DatasetSplit) -> [String] {
      switch (self, split) {
      case (.ten, .training): (1...5).map { "data_batch_\($0).bin" }
      case (.ten, .validation): ["test_batch.bin"]
      case (.hundred, .training): ["train.bin"]
      case (.hundred, .validation): ["test.bin"]
      }
    }

    /// By the names of a folder's files; nil where they are not CIFAR's.
    init?(names: [String]) {
      if names.contains("data_batch_1.bin") || names.contains("test_batch.bin") {
        self = .ten
      } else if names.contains("fine_label_names.txt"),
        names.contains("train.bin") || names.contains("test.bin")
      {
        self = .hundred
      } else {
        return nil
      }
    }
  }

  /// Reads one part.
  ///
  /// - Parameter wanted: the classes of another part of the same set, so that the numbers agree.
  init(
    path: String, kind: Kind, names: [String], split: DatasetSplit, classes wanted: [String]? = nil
  ) throws(DatasetError) {
    self.path = path
    self.kind = kind
    var records: [UInt8] = []
    var files: [(name: String, first: Int)] = []
    for name in kind.files(split) {
      let file = joined(path, name)
      guard names.contains(name) else {
        throw DatasetError(
          .missingSplit, path: path,
          "has no \(name); expected \(kind.files(split).joined(separator: ", "))")
      }
      let bytes = try Self.content(of: file)
      guard bytes.count % kind.record == 0, !bytes.isEmpty else {
        throw DatasetError(
          .malformed, path: file,
          "has \(bytes.count) bytes; expected a multiple of \(kind.record): fetch it again")
      }
      files.append((name, records.count / kind.record))
      records += bytes
    }
    var used: Set<Int> = []
    for at in stride(from: kind.labelBytes - 1, to: records.count, by: kind.record) {
      guard Int(records[at]) < kind.classCount else {
        throw DatasetError(
          .malformed, path: path,
          "has a class \(records[at]); expected 0 to \(kind.classCount - 1)")
      }
      used.insert(Int(records[at]))
    }
    self.records = records
    self.files = files
    let own = try Self.classNames(of: kind, path: path, names: names)
    numbers = try ClassNumbers(
      own, among: wanted ?? own, used: { used.contains($0) }, path: path
    ).numbers
    classes = wanted ?? own
  }

  private static func content(of file: String) throws(DatasetError) -> [UInt8] {
    do throws(ImageError) {
      return try readFile(file, limit: 1 << 30)
    } catch {
      throw DatasetError(error, path: file)
    }
  }

  private static func classNames(
    of kind: Kind, path: String, names: [String]
  ) throws(DatasetError) -> [String] {
    guard names.contains(kind.namesFile) else { return (0..<kind.classCount).map(String.init) }
    let file = joined(path, kind.namesFile)
    let bytes: [UInt8]
    do throws(ImageError) {
      bytes = try readText(file, limit: 1 << 20)
    } catch {
      throw DatasetError(error, path: file)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isEmpty }
    guard lines.count == kind.classCount, Set(lines).count == lines.count else {
      throw DatasetError(
        .malformed, path: file,
        "names \(Set(lines).count) classes; expected \(kind.classCount), one a line")
    }
    return lines
  }

  /// Number of images.
  public var count: Int { records.count / kind.record }

  /// The class; of CIFAR-100 the fine one.
  public func label(of index: Int) -> Int? {
    Int(numbers[Int(records[index * kind.record + kind.labelBytes - 1])])
  }

  /// The file's name and the number in brackets: `data_batch_3.bin[17]`.
  public func name(of index: Int) -> String {
    let file = files.last { $0.first <= index } ?? files[0]
    return "\(file.name)[\(index - file.first)]"
  }

  /// The image, RGB.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let start = index * kind.record + kind.labelBytes
    let plane = Self.side * Self.side
    let pixels = [UInt8](unsafeUninitializedCapacity: Self.pixels) { out, filled in
      for i in 0..<plane {
        for c in 0..<3 { out[3 * i + c] = records[start + c * plane + i] }
      }
      filled = Self.pixels
    }
    return .pixels(ByteImage(width: Self.side, height: Self.side, channels: 3, pixels: pixels))
  }
}

extension CIFARDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .memory }
}

/// A folder with CIFAR's binary files.
struct CIFARFormat: DatasetFormat {
  var name: String { "a CIFAR folder" }

  func recognizes(_ path: PathFacts) -> Bool { CIFARDataset.Kind(names: path.names) != nil }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    guard let kind = CIFARDataset.Kind(names: path.names) else {
      preconditionFailure("\(path.path) is no CIFAR folder")
    }
    return try CIFARDataset(
      path: path.path, kind: kind, names: path.names, split: request.split,
      classes: request.classes)
  }
}
