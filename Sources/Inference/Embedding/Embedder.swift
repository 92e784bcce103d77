import DataParallel
public import Datasets
import MaskedAutoencoders
import Recipes
public import Torch

/// Computes embeddings of images with any model.
public struct Embedder {
  /// Embeddings of some images that follow each other.
  public struct Part {
    /// `[B, D]`, or `[B, N, D]` of all patches; nil where `B` is 0.
    public let rows: Tensor?
    /// The images' numbers in their set.
    public let indices: [Int]
    /// Their paths or names.
    public let names: [String]
    /// The names of their classes; nil for those that have none.
    public let labels: [String?]
    /// Images between them that could not be decoded.
    public let broken: [UndecodableImage]
  }

  /// Which tokens an image's embedding is made of.
  public let embedding: Embedding
  private let inference: BatchInference

  /// Takes a loaded model.
  ///
  /// - Parameter embedding: nil for what a classifier's head sees, or the class token of another
  ///   model.
  /// - Throws: ``/Runs/RunFailure`` where the model has no such thing.
  public init(_ inference: BatchInference, as embedding: Embedding? = nil) throws {
    self.embedding = embedding ?? .standard(for: inference.model)
    try self.embedding.check(inference.model)
    self.inference = inference
  }

  /// Whether this process is given the embeddings: the first of those that share the images.
  var isGiven: Bool { inference.givesAllRanks || inference.group.isFirst }

  /// What the model was loaded from, in words.
  public var source: String { inference.model.source }
  /// The model.
  var model: LoadedModel { inference.model }

  /// The shape of one image's embedding.
  public var shape: [Int] { embedding.shape(for: inference.model) }

  /// Goes through a set in order and hands over some embeddings at a time.
  ///
  /// - Returns: How many images could be decoded.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String, each body: (Part) throws -> Void
  ) throws -> Int {
    let classes = images.classes ?? []
    let embedding = embedding
    return try inference.run(over: images, named: name, computing: { embedding($1, by: $0) }) {
      part in
      try body(
        Part(
          rows: part.rows, indices: part.indices,
          names: part.indices.map { images.name(of: $0) },
          labels: part.labels.map { classes.indices.contains($0) ? classes[$0] : nil },
          broken: part.broken))
    }
  }
}
