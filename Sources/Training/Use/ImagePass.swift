public import Datasets
import Foundation
import Imaging
public import Torch
import TorchNN

/// Shows images to a model in order, without augmentation and in flat memory: some are decoded while
/// those before them are computed.
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
    public let broken: [BrokenImage]

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
  /// Images computed at a time.
  public var batch: Int
  /// Threads that decode.
  public var workers: Int
  /// The type of matrix products; nil for float32.
  public var precision: DType?

  /// Images computed at a time unless told: more fill the caches of a CPU without being faster.
  public static func standardBatch(on device: Device) -> Int { device.kind == .cpu ? 64 : 256 }

  /// Prepares a model for images.
  ///
  /// - Throws: ``RunFailure`` where the model takes images that no file holds.
  public init(
    _ model: LoadedModel, batch: Int? = nil, workers: Int? = nil, precision: DType? = nil
  ) throws(RunFailure) {
    try model.description.model.requireDecodableChannels()
    self.model = model
    self.batch = batch ?? Self.standardBatch(on: model.store.device)
    self.workers = workers ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
    self.precision = precision
  }

  /// Goes through a set once.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - compute: Images `[B, C, H, W]`, normalised, on the model's device → one row each `[B, …]`.
  ///   - body: Takes what was made of the next images.
  /// - Returns: How many images could be decoded.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String, computing compute: (Tensor) -> Tensor,
    each body: (Part) throws -> Void
  ) throws -> Int {
    guard images.count > 0 else { return 0 }
    let device = model.store.device
    let loader = SequentialLoader(
      images, path: name, transform: model.description.evaluationTransform,
      batch: min(batch, images.count), workers: workers, brokenFraction: 1)
    defer { loader.stop() }
    var known = 0
    var seen = 0
    /// The broken images met since the last call.
    func newlyBroken() -> [BrokenImage] {
      let fresh = Array(loader.broken.dropFirst(known))
      known += fresh.count
      return fresh
    }
    while let batch = try loader.next() {
      let rows = withoutGradients {
        withAutocast(to: precision, on: device) { compute(batch.tensor(on: device)) }
          .to(.float32).to(.cpu)
      }
      seen += batch.count
      try body(
        Part(indices: batch.indices, labels: batch.labels, rows: rows, broken: newlyBroken()))
    }
    let rest = newlyBroken()
    if !rest.isEmpty { try body(Part(indices: [], labels: [], rows: nil, broken: rest)) }
    return seen
  }
}
