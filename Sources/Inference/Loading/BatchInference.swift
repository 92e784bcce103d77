public import DataParallel
public import Datasets
import FileSystem
import Foundation
import Imaging
import MaskedAutoencoders
import Recipes
import Runs
public import Torch
import TorchNN

/// Runs a model over images in order, without augmentation and in flat memory: some are decoded
/// while others are computed.
public struct BatchInference {
  /// The results for some images that follow each other.
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

  /// The result for an image.
  public enum Outcome: Hashable, Sendable {
    /// Its row.
    case row(Int)
    /// Why it could not be decoded.
    case broken(String)
  }

  /// How the cores of a CPU share the work; a GPU computes one batch at a time in either way.
  public enum Parallelism: Sendable {
    /// Each core decodes and computes a few images of its own: the fastest for a model that is only
    /// read.
    case images
    /// All cores compute each operator of a batch together while other threads decode, as in
    /// training.
    case operators
  }

  /// The model. Its weights must not change while ``run(over:named:computing:each:)`` runs.
  public let model: LoadedModel
  /// Images computed at a time: on a CPU by each core, elsewhere by the device.
  public var batch: Int
  /// Threads: on a CPU each decodes and computes, elsewhere they decode.
  public var workers: Int
  /// The type of matrix products; nil for float32.
  public var precision: DType?
  /// How the cores of a CPU share the work.
  public var parallelism = Parallelism.images
  /// Whether a result that is not a finite number is an error; if not, it is handed on as it is.
  public var requiresFiniteResults = true

  /// The processes that share the images of a pass; each calls it with the same set.
  public var group = DataParallelGroup.single
  /// Whether each of them is given all results, or the first one alone.
  public var givesAllRanks = true

  /// Images computed at a time unless told. On a CPU so few that what passes between the operators
  /// stays in its caches: ViT-Small takes 9.5 ms of a core for each of 8 images at 224², 10.3 for
  /// each of 64.
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
  public init(
    _ model: LoadedModel, batch: Int? = nil, workers: Int? = nil, precision: DType? = nil
  ) {
    self.model = model
    let device = model.store.device
    self.batch = batch ?? Self.standardBatch(for: model)
    self.workers =
      workers ?? max(1, device.kind == .cpu ? ComputePool.threads : HostLimits.cores)
    self.precision = precision
  }

  /// Runs the model over a set once.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - compute: The model and images `[B, C, H, W]`, normalised, on the model's device → one row
  ///     each `[B, …]`. On a CPU it is called on several threads at a time, see `FrozenModel`: it
  ///     may read the model's weights and make new tensors.
  ///   - body: Takes the results for the next images, on the caller's thread.
  /// - Returns: How many images could be decoded.
  /// - Throws: ``/Runs/RunFailure`` where what was computed is not finite, and what `body` throws.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String,
    computing compute: @escaping @Sendable (LoadedModel, Tensor) -> Tensor,
    each body: (Part) throws -> Void
  ) throws -> Int {
    guard images.count > 0 else { return 0 }
    guard group.isSingle else {
      return try runTogether(over: images, named: name, computing: compute, each: body)
    }
    return try runHere(over: images, named: name, computing: compute, each: body)
  }

  func runHere(
    over images: any ImageDataset, named name: String,
    computing compute: @escaping @Sendable (LoadedModel, Tensor) -> Tensor,
    each body: (Part) throws -> Void
  ) throws -> Int {
    let device = model.store.device
    let precision = precision
    let cast: @Sendable (LoadedModel, Tensor) -> Tensor = { model, images in
      withAutocast(to: precision, on: device) { compute(model, images) }
    }
    return device.kind == .cpu && parallelism == .images
      ? try runOnCores(images, cast, body) : try runOnDevice(images, name, cast, body)
  }

  private func runOnCores(
    _ images: any ImageDataset, _ compute: @escaping @Sendable (LoadedModel, Tensor) -> Tensor,
    _ body: (Part) throws -> Void
  ) throws -> Int {
    // Few images are shared out evenly.
    let size = min(batch, (images.count + workers - 1) / workers)
    let threads = InferenceWorkers(
      images, by: FrozenModel(model), size: size,
      workers: min(workers, (images.count + size - 1) / size), computing: compute)
    defer { threads.stop() }
    var seen = 0
    while let portion = threads.next() {
      seen += portion.indices.count
      let rows = portion.indices.isEmpty ? nil : Tensor(portion.values, shape: portion.shape)
      if let rows { try check(rows) { images.name(of: portion.indices[$0]) } }
      try body(
        Part(
          indices: portion.indices, labels: portion.indices.map { images.label(of: $0) ?? -1 },
          rows: rows, broken: portion.broken))
    }
    return seen
  }

  private func check(_ rows: Tensor, of image: (Int) -> String) throws(RunFailure) {
    if requiresFiniteResults { try model.requireFinite(rows, of: image) }
  }

  private func runOnDevice(
    _ images: any ImageDataset, _ name: String, _ compute: (LoadedModel, Tensor) -> Tensor,
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
      let rows = withoutGradients { compute(model, batch.tensor(on: device)).to(.float32).to(.cpu) }
      seen += batch.count
      try check(rows) { images.name(of: batch.indices[$0]) }
      try body(
        Part(indices: batch.indices, labels: batch.labels, rows: rows, broken: newlyBroken()))
    }
    let rest = newlyBroken()
    if !rest.isEmpty { try body(Part(indices: [], labels: [], rows: nil, broken: rest)) }
    return seen
  }
}
