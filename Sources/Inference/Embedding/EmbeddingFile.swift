import Datasets
public import FileSystem
public import Runs
import TensorFiles
public import Torch

/// A file of embeddings that grows while images are embedded, in flat memory, and beside it the
/// names of the images: line `i` names what row `i` is of.
///
/// Both appear when all is written.
public final class EmbeddingFile {
  /// How embeddings are stored.
  public enum Format: String, CaseIterable, Sendable {
    /// NumPy's array: `[n, D]` or `[n, N, D]`.
    case npy
    /// The tensor `embeddings`, and `labels` `[n]` int64 where images have classes, −1 for those
    /// that have none.
    case safetensors
    /// A line for each image: its name, its class where it has one, and the numbers.
    case csv
  }

  /// Where the embeddings go.
  public let path: String
  /// Where the names go; nil for none.
  public let namesPath: String?
  /// Images so far.
  public private(set) var count = 0

  private let writer: Writer
  private let names: AtomicFile?
  private var labels: [Int] = []
  private let hasClasses: Bool
  /// The number of each class.
  private let numbers: [String: Int]

  private enum Writer {
    case npy(NpyWriter)
    case safetensors(SafetensorsWriter)
    case csv(AtomicFile)
  }

  /// The format that a file's name asks for.
  ///
  /// - Throws: ``/Runs/RunFailure`` where it is none of them.
  public static func format(of path: String) throws(RunFailure) -> Format {
    let suffix = path.split(separator: ".").last.map { String($0).lowercased() } ?? ""
    guard let format = Format(rawValue: suffix), path.contains(".") else {
      throw RunFailure(
        .refusedOutput, "\(path): expected a name that ends in .npy, .safetensors or .csv")
    }
    return format
  }

  /// Where the names go unless told: `features.txt` for `features.npy`; nil for CSV, which has
  /// them.
  public static func standardNamesPath(of path: String) throws(RunFailure) -> String? {
    let format = try format(of: path)
    return format == .csv ? nil : path.dropLast(format.rawValue.count) + "txt"
  }

  /// Opens the files.
  ///
  /// - Parameters:
  ///   - namesPath: Where the names go; nil for nowhere.
  ///   - shape: The shape of an image's embedding.
  ///   - classes: The names of the classes that labels are numbers of, those of all sets that are
  ///     to come (``ImageInputs/classes``); nil where images have none.
  ///   - metadata: What a safetensors file says of itself.
  /// - Throws: `FileError`, or ``/Runs/RunFailure`` where the format holds no such thing.
  public init(
    _ path: String, names namesPath: String?, shape: [Int], classes: [String]? = nil,
    metadata: [String: String] = [:]
  ) throws {
    self.path = path
    self.namesPath = namesPath
    hasClasses = classes != nil
    numbers = Dictionary(
      (classes ?? []).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    switch try Self.format(of: path) {
    case .npy: writer = .npy(try NpyWriter(path, row: shape))
    case .safetensors:
      writer = .safetensors(
        try SafetensorsWriter(
          path, name: "embeddings", row: shape, metadata: metadata, others: 1))
    case .csv:
      guard shape.count == 1 else {
        throw RunFailure(
          .refusedOutput,
          "\(path): a table has no room for all patches of an image; write .npy or .safetensors")
      }
      let file = try AtomicFile(replacing: path)
      let columns = (0..<shape[0]).map { "\($0)" }.joined(separator: ",")
      try file.write("image,\(classes == nil ? "" : "class,")\(columns)\n")
      writer = .csv(file)
    }
    self.names = try namesPath.map { path throws(FileError) in try AtomicFile(replacing: path) }
  }

  /// Adds embeddings `[B, …]` of images with names and classes, nil for those that have none.
  public func append(_ rows: Tensor, names: [String], labels found: [String?]) throws(FileError) {
    switch writer {
    case .npy(let file): try file.append(rows)
    case .safetensors(let file):
      try file.append(rows)
      labels += found.map { $0.flatMap { numbers[$0] } ?? -1 }
    case .csv(let file): try file.write(lines(rows, names: names, classes: found))
    }
    if let file = self.names {
      for (name, label) in zip(names, found) {
        try file.write(name.oneLine + (label.map { "\t" + $0.oneLine } ?? "") + "\n")
      }
    }
    count += names.count
  }

  private func lines(_ rows: Tensor, names: [String], classes found: [String?]) -> String {
    let values: [Float] = rows.floats()
    let width = values.count / max(1, names.count)
    let hasClasses = hasClasses
    return names.indices.map { row in
      let numbers = values[row * width..<(row + 1) * width].map { "\($0)" }
      let label = hasClasses ? [CSVText.field(found[row] ?? "")] : []
      return ([CSVText.field(names[row])] + label + numbers).joined(separator: ",") + "\n"
    }.joined()
  }

  /// Gives the files their names.
  public func finish() throws(FileError) {
    try names?.commit()
    switch writer {
    case .npy(let file): try file.finish()
    case .safetensors(let file):
      try file.finish(adding: hasClasses ? [("labels", Tensor(labels))] : [])
    case .csv(let file): try file.commit()
    }
  }
}

extension String {
  /// The text without line breaks and tabs, which are written as in JSON.
  fileprivate var oneLine: String {
    guard utf8.contains(where: { [0x09, 0x0A, 0x0D].contains($0) }) else { return self }
    return String(json.dropFirst().dropLast())
  }
}
