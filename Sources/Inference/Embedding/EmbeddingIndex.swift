public import Datasets
import FileSystem
import Imaging
import MaskedAutoencoders
public import Runs
import TensorFiles
import Torch

/// Embeddings that were written before, and the names of their images.
public struct EmbeddingIndex {
  /// Number of images, `n`.
  public let count: Int
  /// Numbers of an embedding, `D`.
  public let width: Int
  /// The images, whose names are what their line in the names file says.
  public let images: any ImageDataset

  /// What the file says of itself: its `tokens`, its `model`; nothing in an `.npy` file.
  public let metadata: [String: String]

  private let path: String
  private let rows: Tensor  // [n, D], over the mapped file
  private static let chunk = 16_384

  /// Opens an `.npy` or `.safetensors` file of `mae embed` and the names beside it.
  ///
  /// - Parameter names: Where the names are; nil for the file of the same name that ends in `.txt`.
  /// - Throws: `FileError`, or ``/Runs/RunFailure`` where it holds something else.
  public init(_ path: String, names: String? = nil) throws {
    let tensor: Tensor
    var metadata: [String: String] = [:]
    switch try EmbeddingFile.format(of: path) {
    case .npy: tensor = try NpyFile(path).tensor()
    case .safetensors:
      let file = try SafetensorsFile(path)
      tensor = try file.tensor("embeddings")
      metadata = file.metadata
    case .csv:
      throw RunFailure(
        .badData, "\(path): a table is not searched; give the embeddings as .npy or .safetensors")
    }
    guard tensor.shape.count == 2, tensor.shape[1] > 0 else {
      throw RunFailure(
        .badData,
        "\(path): holds \(tensor.shape), expected one row for each image, [n, D]; all patches of "
          + "images cannot be searched")
    }
    self.path = path
    rows = tensor
    self.metadata = metadata
    (count, width) = (tensor.shape[0], tensor.shape[1])
    let list = try names ?? EmbeddingFile.standardNamesPath(of: path) ?? path
    images = ImageFiles(packed: try Self.names(in: list))
    guard images.count == count else {
      throw RunFailure(
        .badData,
        "\(list): has \(images.count) lines and \(path) \(count) rows; expected a name for each")
    }
  }

  private static func names(in path: String) throws(FileError) -> StringTable {
    let stream = try LineStream(path: path)
    var names = StringTable()
    while let lines = try stream.lines(atMost: chunk) {
      for line in lines {
        let name = String(line.prefix { $0 != "\t" })
        // Bytes that are no text were written as `\xe9`.
        names.append(PathKind(name) == .file ? name : name.fromShownPath)
      }
    }
    return names
  }

  /// Hands over the rows some at a time.
  func forEachChunk(_ body: (_ rows: Tensor, _ indices: [Int]) -> Void) {
    for start in stride(from: 0, to: count, by: Self.chunk) {
      let range = start..<min(start + Self.chunk, count)
      body(rows.narrowed(0, to: range).to(.float32), Array(range))
    }
  }
}

extension EmbeddingIndex {
  /// Refuses embeddings of another kind than the queries'.
  ///
  /// - Returns: What a user has to know where another model made them, as a sentence.
  /// - Throws: ``/Runs/RunFailure``.
  fileprivate func check(
    _ embedding: Embedding, of model: LoadedModel
  ) throws(RunFailure) -> String? {
    let expected = embedding.shape(for: model)[0]
    guard width == expected else {
      throw RunFailure(
        .badData,
        "\(path): its rows have \(width) numbers and \(model.source) makes \(expected): they are of "
          + "another model, or of other --tokens")
    }
    if let found = metadata["tokens"], found != embedding.rawValue {
      throw RunFailure(
        .badData,
        "\(path): holds \(found) of its images, not \(embedding.rawValue); say --tokens \(found)")
    }
    guard let maker = metadata["model"], maker != model.source else { return nil }
    return "\(path) was made by \(maker), the queries are embedded by \(model.source)"
  }
}

extension NeighbourSearch {
  /// Prepares a search for `count` neighbours of each of some image files.
  ///
  /// - Throws: `ImageError` where one cannot be decoded, ``/Runs/RunFailure`` where the model has
  ///   no such embedding.
  public init(
    _ files: [String], by model: LoadedModel, as embedding: Embedding, count: Int
  ) throws {
    let queries = try files.map { path in
      Query(name: path, content: .encoded(try EncodedImage(path: path)))
    }
    self.init(
      queries, rows: stacked(try queries.map { try model.embed($0.content, as: embedding) }),
      count: count)
    raster = model.description.usedRaster
  }

  /// Compares everything in a file of embeddings, after a look whether they are of the queries'
  /// kind.
  ///
  /// - Returns: What a user has to know where another model made them, as a sentence.
  /// - Throws: ``/Runs/RunFailure`` where they are of another kind.
  public mutating func look(
    through index: EmbeddingIndex, as embedding: Embedding, of model: LoadedModel
  ) throws(RunFailure) -> String? {
    let warning = try index.check(embedding, of: model)
    look(through: index)
    return warning
  }

  /// Compares everything in a file of embeddings.
  public mutating func look(through index: EmbeddingIndex) {
    let images = index.images
    var search = self
    index.forEachChunk { search.look(at: $0, of: images, indices: $1) }
    self = search
  }
}
