import Recipes
public import Runs
public import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
public import Torch
import TorchNN

/// Shows images to a model in order, without augmentation and in flat memory: some are decoded while
/// others are computed.
public struct ImagePass {
  /// What was made of some images that follow each other.
  public struct Part {
    /// The numbers of the images that could be decoded, `B` of them.
    public let indices: [Int]
    /// Their classes; −1 where the set has none.
    public let labels: [Int]
    /// What was computed of them, `[B, …]` on the CPU; nil where `B` is 0.
    public let rows: Tensor?
    /// Those between them that could not be decoded.
    public let broken: [UndecodableImage]

    /// All of them in order: a row's place in ``rows``, or why there is none.
    public var outcomes: [(index: Int, outcome: Outcome)] {
      let whole = indices.enumerated().map { (index: $1, outcome: Outcome.row($0)) }
      guard !broken.isEmpty else { return whole }
      return (whole + broken.map { (index: $0.index, outcome: .broken($0.reason)) })
        .sorted { $0.index < $1.index }
    }
  }

  /// What became of an image.
  public enum Outcome: Hashable, Sendable {
    /// Its row.
    case row(Int)
    /// Why it could not be decoded.
    case broken(String)
  }

  /// The model.
  public let model: LoadedModel
  /// Images computed at a time: on a CPU by each core, elsewhere by the device.
  public var batch: Int
  /// Threads: on a CPU each decodes and computes, elsewhere they decode.
  public var workers: Int
  /// The type of matrix products; nil for float32.
  public var precision: DType?

  /// Images computed at a time unless told. On a CPU so few that what passes between the operators
  /// stays in its caches: ViT-Small takes 9.5 ms of a core for each of 8 images at 224², 10.3 for each
  /// of 64.
  static func standardBatch(for model: LoadedModel) -> Int {
    guard model.store.device.kind == .cpu else { return 256 }
    let tokens = model.description.model.grid.count + 1
    return min(max(1600 / tokens, 1), 64)
  }

  /// Prepares a model for images.
  ///
  /// - Parameters:
  ///   - batch: nil for what is fastest on most machines.
  ///   - workers: nil for as many as the engine has threads, or there are cores.
  /// - Throws: ``RunFailure`` where the model takes images that no file holds.
  public init(
    _ model: LoadedModel, batch: Int? = nil, workers: Int? = nil, precision: DType? = nil
  ) throws(RunFailure) {
    try model.description.model.requireDecodableChannels()
    self.model = model
    let device = model.store.device
    self.batch = batch ?? Self.standardBatch(for: model)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    self.workers = workers ?? max(1, device.kind == .cpu ? Engine.threads : cores)
    self.precision = precision
  }

  /// Goes through a set once.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - compute: Images `[B, C, H, W]`, normalised, on the model's device → one row each `[B, …]`. On a
  ///     CPU it is called on several threads at a time; it may read tensors and make new ones.
  ///   - body: Takes what was made of the next images, on the caller's thread.
  /// - Returns: How many images could be decoded.
  /// - Throws: ``RunFailure`` where what was computed is not finite, and what `body` throws.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String,
    computing compute: @escaping (Tensor) -> Tensor, each body: (Part) throws -> Void
  ) throws -> Int {
    guard images.count > 0 else { return 0 }
    let device = model.store.device
    let precision = precision
    func cast(_ images: Tensor) -> Tensor {
      withAutocast(to: precision, on: device) { compute(images) }
    }
    return device.kind == .cpu
      ? try runOnCores(images, cast, body) : try runOnDevice(images, name, cast, body)
  }

  private func runOnCores(
    _ images: any ImageDataset, _ compute: @escaping (Tensor) -> Tensor,
    _ body: (Part) throws -> Void
  ) throws -> Int {
    // Few images are shared out evenly.
    let size = min(batch, (images.count + workers - 1) / workers)
    let crewSize = min(workers, (images.count + size - 1) / size)
    let threads = Engine.threads
    let crew = ImageCrew(
      images, transform: model.description.evaluationTransform, size: size, workers: crewSize,
      threads: max(1, threads / crewSize), computing: compute)
    defer {
      crew.stop()
      Engine.threads = threads
    }
    var seen = 0
    while let portion = crew.next() {
      seen += portion.indices.count
      let rows = portion.indices.isEmpty ? nil : Tensor(portion.values, shape: portion.shape)
      if let rows { try model.requireFinite(rows) { images.name(of: portion.indices[$0]) } }
      try body(
        Part(
          indices: portion.indices, labels: portion.indices.map { images.label(of: $0) ?? -1 },
          rows: rows, broken: portion.broken))
    }
    return seen
  }

  private func runOnDevice(
    _ images: any ImageDataset, _ name: String, _ compute: (Tensor) -> Tensor,
    _ body: (Part) throws -> Void
  ) throws -> Int {
    let loader = SequentialLoader(
      images, path: name, transform: model.description.evaluationTransform,
      batch: min(batch, images.count), workers: workers, brokenFraction: 1)
    defer { loader.stop() }
    let device = model.store.device
    var (known, seen) = (0, 0)
    /// The broken images met since the last call.
    func newlyBroken() -> [UndecodableImage] {
      let fresh = Array(loader.broken.dropFirst(known))
      known += fresh.count
      return fresh
    }
    while let batch = try loader.next() {
      let rows = withoutGradients { compute(batch.tensor(on: device)).to(.float32).to(.cpu) }
      seen += batch.count
      try model.requireFinite(rows) { images.name(of: batch.indices[$0]) }
      try body(
        Part(indices: batch.indices, labels: batch.labels, rows: rows, broken: newlyBroken()))
    }
    let rest = newlyBroken()
    if !rest.isEmpty { try body(Part(indices: [], labels: [], rows: nil, broken: rest)) }
    return seen
  }
}
