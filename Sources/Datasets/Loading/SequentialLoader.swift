public import Imaging
import Synchronization

/// Batches for evaluation: a range of a set from first to last, once, made by threads ahead of
/// time. The last batch may be smaller.
///
/// An image that cannot be decoded is left out. When more than `brokenFraction` of the range (and
/// more than one image) is broken, `next()` throws.
public final class SequentialLoader: Sendable {
  private let path: String
  private let count: Int
  private let pipeline: BatchPipeline
  private let record: Mutex<UndecodableImages>

  /// Creates a loader and starts its workers.
  ///
  /// - Parameters:
  ///   - path: what the set is called in messages.
  ///   - range: the images; nil for all.
  ///   - transform: usually with `Augmentation.evaluation`; a random one draws from `seed`.
  public init(
    _ dataset: any ImageDataset, path: String = "data", range: Range<Int>? = nil,
    transform: ImageTransform, batch: Int, seed: UInt64 = 0, workers: Int, prefetch: Int = 2,
    brokenFraction: Double = 0.01
  ) {
    let range = range ?? 0..<dataset.count
    precondition(
      range.lowerBound >= 0 && range.upperBound <= dataset.count,
      "images \(range) of a set of \(dataset.count)")
    precondition(batch >= 1 && workers >= 1 && prefetch >= 1)
    self.path = path
    count = range.count
    pipeline = BatchPipeline(
      dataset: dataset, transform: transform,
      plan: .sequential(SequentialPlan(range: range, batch: batch, seed: seed)), batch: batch,
      startingAt: 0, workers: workers, depth: prefetch, attempts: 1)
    record = Mutex(
      UndecodableImages(
        limit: UndecodableImages.limit(fraction: brokenFraction, count: range.count)))
    pipeline.start()
  }

  deinit { pipeline.stop() }

  /// The next batch, or nil after the last.
  ///
  /// - Throws: `DatasetError` of kind `tooManyBroken`.
  public func next() throws(DatasetError) -> Batch? {
    while let filled = pipeline.next() {
      let failure = record.withLock { record -> DatasetError? in
        do throws(DatasetError) {
          try record.add(filled.outcomes.flatMap(\.broken), of: path, count: count)
          return nil
        } catch {
          return error
        }
      }
      if let failure { throw failure }
      if let batch = Batch(filled, of: pipeline) { return batch }
    }
    return nil
  }

  /// Stops the workers and waits until they have ended.
  public func stop() { pipeline.stop() }

  /// The images met so far that could not be decoded.
  public var broken: [UndecodableImage] { record.withLock { $0.found } }
}
