import MaskedAutoencoders
import Recipes
public import Datasets
public import Torch

/// Embeds images with any model.
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

  /// What stands for an image.
  public let embedding: Embedding
  private let pass: ImagePass

  /// Takes a loaded model.
  ///
  /// - Parameter embedding: nil for what a classifier's head sees, or the class token of another model.
  /// - Throws: ``RunFailure`` where the model has no such thing.
  public init(_ pass: ImagePass, as embedding: Embedding? = nil) throws {
    self.embedding = embedding ?? .standard(for: pass.model)
    try self.embedding.check(pass.model)
    self.pass = pass
  }

  /// The shape of one image's embedding.
  public var shape: [Int] { embedding.shape(for: pass.model) }

  /// Goes through a set in order and hands over some embeddings at a time.
  ///
  /// - Returns: How many images could be decoded.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String, each body: (Part) throws -> Void
  ) throws -> Int {
    let classes = images.classes ?? []
    let model = pass.model
    return try pass.run(over: images, named: name, computing: { embedding($0, by: model) }) {
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
