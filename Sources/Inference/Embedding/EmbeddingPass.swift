public import Datasets
import FileSystem
import Torch

/// One pass over images in flat memory that writes their embeddings to a file, compares them with
/// the queries of a search and picks images to draw, whatever of these is asked for.
public struct EmbeddingPass {
  /// Computes the embeddings.
  public let embedder: Embedder
  /// The file to write, and where the images' names go; nil for none.
  public var file: (path: String, names: String?)?
  /// The search that is to see the embeddings.
  public var search: NeighbourSearch?
  /// How many images are picked: the first that can be decoded.
  public var pickedCount = 0
  /// How many images may be left out because they cannot be decoded.
  public var brokenLimit = BrokenLimit.none

  /// Creates a pass that does nothing yet.
  public init(_ embedder: Embedder) { self.embedder = embedder }

  /// An image in its set.
  public typealias Picked = (images: any ImageDataset, index: Int)

  /// The counts of a pass.
  public struct Outcome {
    /// Images that were embedded.
    public internal(set) var count = 0
    /// Images that could not be decoded.
    public internal(set) var broken = 0
    /// The images that were picked.
    public internal(set) var picked: [Picked] = []
    /// Shape, place and speed of the file that was written, as a sentence; nil where none was.
    public internal(set) var written: String?
  }

  /// Goes through the images once.
  ///
  /// - Parameters:
  ///   - source: The images.
  ///   - report: Called with each image that cannot be decoded.
  ///   - progress: Called with the number of images done since the last call.
  /// - Throws: ``/Runs/RunFailure`` where no image can be decoded, `DatasetError` where more cannot
  ///   than may; no file is written then.
  public mutating func run(
    over source: ImageSource, broken report: (UndecodableImage) -> Void = { _ in },
    progress: (Int) -> Void = { _ in }
  ) throws -> Outcome {
    var outcome = Outcome()
    var examples: [UndecodableImage] = []
    func leaveOut(_ image: UndecodableImage) {
      report(image)
      if examples.count < 3 { examples.append(image) }
      outcome.broken += 1
    }
    var output: EmbeddingFile?
    let start = ContinuousClock.now
    let isEmbedding = file != nil || search != nil
    let classes = source.inputs.classes
    var isEmpty = true
    try source.forEachPart { part in
      isEmpty = false
      if outcome.picked.count < pickedCount {
        // Those that are embedded, too, are reported then.
        let wanted = pickedCount - outcome.picked.count
        outcome.picked += DecodableImages.find(
          wanted, in: part.images, for: embedder.model.description
        ) {
          if !isEmbedding { leaveOut($0) }
        }.map { (part.images, $0) }
      }
      guard isEmbedding else { return }
      if let file, output == nil, embedder.isGiven {
        output = try EmbeddingFile(
          file.path, names: file.names, shape: embedder.shape, classes: classes,
          metadata: ["tokens": embedder.embedding.rawValue, "model": embedder.source])
      }
      outcome.count += try embedder.run(over: part.images, named: part.name) { found in
        found.broken.forEach(leaveOut)
        if let rows = found.rows {
          try output?.append(rows, names: found.names, labels: found.labels)
          search?.look(at: rows, of: part.images, indices: found.indices)
        }
        progress(found.indices.count + found.broken.count)
      }
    }
    guard !isEmpty, embedder.isGiven else { return outcome }
    let whole = isEmbedding ? outcome.count : outcome.picked.count
    try brokenLimit.requireSome(
      whole, broken: outcome.broken, examples: examples, named: "the images")
    if let output {
      try output.finish()
      let seconds = max((ContinuousClock.now - start) / .seconds(1), 1e-9)
      let shape = ([outcome.count] + embedder.shape).map(String.init).joined(separator: " × ")
      let beside = output.namesPath.map { ", names to \($0)" } ?? ""
      outcome.written =
        "wrote \(shape) (\(embedder.embedding.rawValue)) to \(output.path)\(beside): "
        + "\(Formatted.fixed(Double(outcome.count) / seconds, 1)) images/s"
        + (outcome.broken > 0 ? ", \(outcome.broken) not decoded" : "")
    }
    return outcome
  }
}
