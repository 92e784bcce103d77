package import Datasets
import FileSystem
package import Imaging
package import Inference
import MaskedAutoencoders
package import Runs
import Synchronization
import Torch

/// The models that are served. It alone touches their tensors, on a thread of its own; images come
/// in as bytes and results go out as bytes and numbers.
package actor ModelEngine {
  private struct Served {
    let model: LoadedModel
    let inference: BatchInference
    let reconstruction: Reconstruction?
    let index: EmbeddingIndex?
  }

  private let thread = EngineThread()
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }
  private var served: [Served] = []

  package init() {}

  /// Loads models and what neighbours are looked for in.
  ///
  /// - Parameters:
  ///   - load: Gives the models with their names, on the engine's thread.
  ///   - index: The path of embeddings that `mae embed` wrote by one of the models; nil for none.
  /// - Returns: What is said of each.
  /// - Throws: What `load` throws; `FileError` or ``RunFailure`` where the index cannot be used.
  package func open(
    index path: String? = nil, load: @Sendable () throws -> [(name: String, model: LoadedModel)]
  ) throws -> [ModelCard] {
    let models = try load()
    var owner: Int?
    if let path {
      let index = try EmbeddingIndex(path)
      let fitting = models.indices.filter { index.embedding(by: models[$0].model) != nil }
      owner =
        fitting.first { models[$0].model.source == index.metadata["model"] } ?? fitting.first
      guard owner != nil else {
        throw RunFailure(
          .badData,
          "\(path): its rows of \(index.width) numbers are of none of the models that are served; "
            + "make an index with mae embed RUN IMAGES --out index.npy")
      }
    }
    var cards: [ModelCard] = []
    for (number, (name, model)) in models.enumerated() {
      let index = number == owner ? try path.map { try EmbeddingIndex($0) } : nil
      let reconstruction = try? Reconstruction(model)
      cards.append(
        ModelCard(
          name: name, number: number, description: model.description,
          reconstructs: reconstruction != nil,
          neighbours: index.flatMap { $0.embedding(by: model) }, indexed: index?.count ?? 0))
      served.append(
        Served(
          model: model, inference: BatchInference(model), reconstruction: reconstruction,
          index: index))
    }
    return cards
  }

  /// How many images are best computed together: twice what all cores take at once.
  package func batch(of model: Int) -> Int {
    2 * served[model].inference.batch * served[model].inference.workers
  }

  /// Fills in the hidden patches of an image.
  package func fill(
    _ view: ModelView, hiding choice: MaskChoice, by number: Int
  ) throws -> FilledImage {
    let model = served[number]
    guard var reconstruction = model.reconstruction else {
      // Says why: there is no decoder, or one that predicts no pixels.
      _ = try Reconstruction(model.model)
      throw ServingError.impossible("the model cannot reconstruct")
    }
    let filled = try withTorchErrors { () -> Result<FilledImage, any Error> in
      Result {
        let mask: PatchMask
        switch choice {
        case .patches(let numbers): mask = try reconstruction.mask(hiding: numbers)
        case .drawn(let strategy, let ratio, let seed):
          if let strategy, let named = MaskingStrategies.named(strategy) {
            let other = Masking(named)
            reconstruction.masking = other.withRatio(reconstruction.masking.ratio) ?? other
          }
          mask = try reconstruction.mask(ratio: ratio ?? reconstruction.masking.ratio, seed: seed)
        }
        return reconstruction.filling(view, mask: mask)
      }
    }.get()
    guard filled.meanSquaredError.isFinite else {
      throw ServingError.impossible("what the model computes is not a finite number")
    }
    return filled
  }

  /// How much the token of a patch, or the class token, attends to each patch.
  package func attention(
    of patch: Int?, in view: ModelView, by number: Int
  ) throws -> AttentionMaps {
    let model = served[number].model
    return try withTorchErrors { Result { try model.attention(of: patch, in: view) } }.get()
  }

  /// Embeds images in memory, each for itself.
  package func embed(
    _ images: [ImageContent], as embedding: Embedding, by number: Int
  ) throws -> [Result<[Float], ServingError>] {
    var rows = images.map { _ in Result<[Float], ServingError>.failure(.unanswered) }
    let embedder = try Embedder(served[number].inference, as: embedding)
    try embedder.run(over: RequestImages(images), named: "the requests") { part in
      let values: [Float] = part.rows?.floats() ?? []
      let width = values.count / max(1, part.indices.count)
      for (place, index) in part.indices.enumerated() {
        rows[index] = .success(Array(values[place * width..<(place + 1) * width]))
      }
      for broken in part.broken { rows[broken.index] = .failure(.undecodable(broken)) }
    }
    return rows
  }

  /// The most probable classes of images in memory, each for itself.
  package func classify(
    _ images: [ImageContent], top: Int, by number: Int
  ) throws -> [Result<[Prediction], ServingError>] {
    var rows: [Result<[Prediction], ServingError>] = []
    let predictor = try Predictor(served[number].inference, top: top)
    try predictor.run(over: RequestImages(images), named: "the requests") { part in
      rows += part.map { prediction in
        if let problem = prediction.problem { return .failure(.impossible("image: \(problem)")) }
        return .success(prediction.topK)
      }
    }
    return rows
  }

  /// The images of the index that are most like one, by its embedding.
  package func neighbours(
    of row: [Float], count: Int, by number: Int
  ) throws -> [NeighbourSearch.Neighbour] {
    guard let index = served[number].index else {
      throw ServingError.impossible(
        "there is no index of this model to look in; make one with mae embed and start the server "
          + "with --index")
    }
    let blank = ByteImage(width: 1, height: 1, channels: 1, pixels: [0])
    var search = NeighbourSearch(
      [.init(name: "", content: .pixels(blank))], rows: Tensor(row, shape: [1, row.count]),
      count: count)
    search.look(through: index)
    return search.found[0]
  }
}

/// Which patches of an image are hidden.
package enum MaskChoice: Hashable, Sendable {
  /// These, counted from 0 row by row.
  case patches([Int])
  /// Those that a strategy draws; nil for the model's own strategy and ratio.
  case drawn(strategy: String?, ratio: Double?, seed: UInt64)
}

extension EmbeddingIndex {
  /// Which embedding of a model the rows are; nil where they are of another model.
  fileprivate func embedding(by model: LoadedModel) -> Embedding? {
    let embedding =
      metadata["tokens"].flatMap(Embedding.init(rawValue:)) ?? .standard(for: model)
    guard embedding.shape(for: model) == [width] else { return nil }
    return embedding == .features && model.classifier == nil ? nil : embedding
  }
}

extension ServingError {
  fileprivate static let unanswered = ServingError(500, "the image was not computed")
  fileprivate static func undecodable(_ image: UndecodableImage) -> ServingError {
    .impossible("image: \(image.reason)")
  }
}
