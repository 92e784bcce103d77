package import Datasets
import Figures
import FileSystem
import Foundation
import Imaging
package import Inference
import MaskedAutoencoders
import Runs

/// What can be asked of models, whatever the request came over.
package final class ModelService: Sendable {
  /// The models, in the order in which they were named.
  package let cards: [ModelCard]
  /// What is taken on at most.
  package let limits: ServingLimits
  /// Who is let in.
  package let admission: Admission
  /// What is counted.
  package let metrics: ServingMetrics
  /// Images to begin with; nil for none.
  package let samples: SampleImages?

  /// Where what is asked waits for the engine.
  let queue: EngineQueue
  private let engine: ModelEngine
  private let batcher: RequestBatcher<BatchKey, BatchAnswer>

  private enum BatchKey: Hashable, Sendable {
    case embed(model: Int, Embedding)
    case classify(model: Int, top: Int)
    var model: Int {
      switch self {
      case .embed(let model, _), .classify(let model, _): model
      }
    }
  }
  private enum BatchAnswer: Sendable {
    case embedding([Float])
    case classes([Prediction])
  }

  /// Loads models.
  ///
  /// - Parameters:
  ///   - index: Embeddings of `mae embed` to look for neighbours in; nil for none.
  ///   - samples: Images to begin with; nil for none.
  ///   - load: Gives the models with their names.
  /// - Throws: As ``ModelEngine/open(index:load:)``.
  package init(
    index: String? = nil, samples: SampleImages? = nil, limits: ServingLimits = ServingLimits(),
    load: @Sendable () throws -> [(name: String, model: LoadedModel)]
  ) async throws {
    let engine = ModelEngine()
    let queue = EngineQueue()
    let metrics = ServingMetrics()
    self.engine = engine
    self.queue = queue
    self.metrics = metrics
    self.limits = limits
    self.samples = samples
    admission = Admission(limits)
    cards = try await engine.open(index: index, load: load)
    var batches: [Int] = []
    for card in cards { batches.append(await engine.batch(of: card.number)) }
    let sizes = batches
    batcher = RequestBatcher(
      limit: { sizes[$0.model] }, wait: .milliseconds(limits.batchMilliseconds), queue: queue,
      observe: { metrics.computed(images: $0) }
    ) { key, images in
      try await metrics.engine(.batch) {
        switch key {
        case .embed(let model, let embedding):
          try await engine.embed(images, as: embedding, by: model).map { row in
            row.map { .embedding($0) }
          }
        case .classify(let model, let top):
          try await engine.classify(images, top: top, by: model).map { row in
            row.map { .classes($0) }
          }
        }
      }
    }
  }

  /// The models for people and programs.
  package var models: ModelsRecord { ModelsRecord(models: cards.map(\.record)) }

  /// Has the engine compute something when its turn has come; not at all where the request has been
  /// cancelled by then.
  private func compute<Answer: Sendable>(
    _ work: ServingMetrics.Work, _ body: () async throws -> Answer
  ) async throws -> Answer {
    try await queue.perform { try await metrics.engine(work) { try await body() } }
  }

  /// The model that a request names, or the first that can do what it asks.
  private func card(
    for parameters: inout RequestParameters, able: (ModelCard) -> Bool
  ) throws(ServingError) -> ModelCard {
    guard let name = try parameters.text("model") else {
      return cards.first(where: able) ?? cards[0]
    }
    guard let card = cards.first(where: { $0.name == name }) else {
      throw .missing(
        "there is no model \(name.shown); there are \(cards.map(\.name).joined(separator: ", "))")
    }
    return card
  }

  /// Fills in the hidden patches of an image.
  package func reconstruct(
    _ request: ImageRequest
  ) async throws -> (record: ReconstructionRecord, pictures: [ReconstructionPicture: [UInt8]]) {
    var parameters = request.parameters
    let card = try card(for: &parameters) { $0.reconstructs }
    let hidden = try parameters.integers("hidden")
    let strategy = try parameters.word("strategy", of: MaskingStrategies.names)
    let ratio = try parameters.number("ratio", in: 0...1)
    let seed = try parameters.integer("seed", in: 0...1 << 53)
    let wanted = try parameters.words(
      "pictures", of: ReconstructionPicture.allCases.map(\.rawValue))
    let isPrepared = try parameters.flag("prepared")
    try parameters.finish()
    if hidden != nil, strategy != nil || ratio != nil || seed != nil {
      throw ServingError.malformed(
        "both hidden and strategy, ratio or seed are given; expected the patches or how they are "
          + "drawn")
    }
    let choice: MaskChoice =
      hidden.map { .patches($0) }
      ?? .drawn(strategy: strategy, ratio: ratio, seed: UInt64(seed ?? 0))
    let view = try ModelView(
      of: .encoded(request.image), for: card.description, isPrepared: isPrepared)
    let engine = engine
    let filled = try await compute(.reconstruct) {
      try await engine.fill(view, hiding: choice, by: card.number)
    }
    try Task.checkCancellation()
    let chosen = wanted.map { $0.compactMap(ReconstructionPicture.init(rawValue:)) }
    var pictures: [ReconstructionPicture: [UInt8]] = [:]
    for kind in chosen ?? ReconstructionPicture.allCases {
      pictures[kind] = try filled.picture(kind).encodedAsPNG(compression: 1)
    }
    let record = ReconstructionRecord(
      model: card.name, rows: filled.grid.rows, columns: filled.grid.columns,
      hidden: filled.visible.indices.filter { !filled.visible[$0] },
      meanSquaredError: filled.meanSquaredError,
      notices: card.notices,
      pictures: Dictionary(
        uniqueKeysWithValues: pictures.map { ($0.rawValue, Data($1).base64EncodedString()) }))
    return (record, pictures)
  }

  /// The embedding of an image.
  package func embed(_ request: ImageRequest) async throws -> EmbeddingRecord {
    var parameters = request.parameters
    let card = try card(for: &parameters) { _ in true }
    let word = try parameters.word("tokens", of: Embedding.allCases.map(\.rawValue))
    try parameters.finish()
    let isClassifier = card.description.classifier != nil
    let embedding =
      word.flatMap(Embedding.init(rawValue:)) ?? (isClassifier ? .features : .classToken)
    if embedding == .features, !isClassifier {
      throw ServingError.impossible(
        "tokens is features, the input of a head, and the model \(card.name) has none; use "
          + "class-token, mean or patches")
    }
    let row = try await row(of: request.image, as: embedding, by: card)
    let model = card.description.model
    let width = model.encoder.width
    return EmbeddingRecord(
      model: card.name, tokens: embedding.rawValue,
      shape: embedding == .patches ? [model.grid.count, width] : [width], embedding: row)
  }

  private func row(
    of image: EncodedImage, as embedding: Embedding, by card: ModelCard
  ) async throws -> [Float] {
    let answer = try await batcher.answer(
      .encoded(image), for: .embed(model: card.number, embedding))
    guard case .embedding(let row) = answer else { throw ServingError(500, "no embedding came") }
    return row
  }

  /// The most probable classes of an image.
  package func classify(_ request: ImageRequest) async throws -> ClassesRecord {
    var parameters = request.parameters
    let card = try card(for: &parameters) { $0.description.classifier != nil }
    let top = try parameters.integer("top", in: 1...1000) ?? 5
    try parameters.finish()
    guard card.description.classifier != nil else {
      throw ServingError.impossible(
        "the model \(card.name) has no head that tells classes apart; serve one made with "
          + "mae finetune or mae probe --out")
    }
    let answer = try await batcher.answer(
      .encoded(request.image), for: .classify(model: card.number, top: top))
    guard case .classes(let classes) = answer else { throw ServingError(500, "no classes came") }
    return ClassesRecord(model: card.name, classes: classes)
  }

  /// The images of the index that are most like an image.
  package func neighbours(_ request: ImageRequest) async throws -> NeighboursRecord {
    var parameters = request.parameters
    let card = try card(for: &parameters) { $0.neighbours != nil }
    let count = try parameters.integer("count", in: 1...100) ?? 8
    let wantsPictures = try parameters.flag("pictures")
    try parameters.finish()
    guard let embedding = card.neighbours else {
      throw ServingError.impossible(
        "there is no index of the model \(card.name) to look in; make one with mae embed and "
          + "start the server with --index")
    }
    let row = try await row(of: request.image, as: embedding, by: card)
    let engine = engine
    let found = try await compute(.neighbours) {
      try await engine.neighbours(of: row, count: count, by: card.number)
    }
    return NeighboursRecord(
      model: card.name,
      neighbours: found.map { neighbour in
        let picture =
          wantsPictures
          ? try? neighbour.images.content(of: neighbour.index).thumbnail() : nil
        return .init(
          row: neighbour.index, name: neighbour.name.lastName, similarity: neighbour.similarity,
          picture: picture.map { Data($0).base64EncodedString() })
      })
  }

  /// How much a patch attends to each patch of an image.
  ///
  /// - Returns: The numbers, and what the model saw.
  package func attention(
    _ request: ImageRequest
  ) async throws -> (record: AttentionRecord, view: ModelView) {
    var parameters = request.parameters
    let card = try card(for: &parameters) { _ in true }
    let patch = try parameters.integer("patch", in: 0...1 << 20)
    let isPrepared = try parameters.flag("prepared")
    try parameters.finish()
    let view = try ModelView(
      of: .encoded(request.image), for: card.description, isPrepared: isPrepared)
    let engine = engine
    let maps = try await compute(.attention) {
      try await engine.attention(of: patch, in: view, by: card.number)
    }
    let record = AttentionRecord(
      model: card.name, rows: maps.grid.rows, columns: maps.grid.columns, patch: patch,
      mean: maps.mean, heads: maps.heads)
    return (record, view)
  }

  /// A picture of attention over what the model saw, as a PNG file.
  package func picture(of record: AttentionRecord, over view: ModelView) throws -> [UInt8] {
    try HeatMap(record.mean, rows: record.rows, columns: record.columns)
      .drawn(over: view.picture).encodedAsPNG(compression: 1)
  }
}

extension FilledImage {
  fileprivate func picture(_ kind: ReconstructionPicture) -> ByteImage {
    switch kind {
    case .original: original
    case .visible: masked
    case .reconstruction: reconstruction
    case .combined: combined
    }
  }
}
