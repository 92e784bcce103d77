public import Imaging
import Synchronization

/// Batches for training: shuffled, augmented, without end, made by threads ahead of time.
///
/// What is in a batch depends on the set, the transform, the sampling, the seed and the batch's
/// number alone, whatever the number of workers; so a loader that starts at batch N continues an
/// unbroken run. An epoch shows an image once (or a part of the images several times, see
/// ``Sampling/repeats``); those of its last images that do not fill a step are left out, others in
/// each epoch. A set smaller than a step is repeated until it fills one. Of several processes each
/// makes its rows of every batch.
///
/// An image that cannot be decoded is replaced by the next in the epoch's order that can. When more
/// than `brokenFraction` of the set (and more than one image) is broken, `next()` throws.
///
/// Use from one thread; `stop()` may be called from any.
public final class BatchLoader: Sendable {
  /// Steps in one epoch; each has `sampling.accumulation` batches.
  public let stepsPerEpoch: Int
  private let path: String
  private let pipeline: BatchPipeline
  private let record: Mutex<Record>

  private struct Record {
    var broken: UndecodableImages
    var waited = Duration.zero
  }

  /// Creates a loader and starts its workers.
  ///
  /// - Parameters:
  ///   - path: what the set is called in messages.
  ///   - secondView: a second transform of each image, of the same size and normalisation, which
  ///     goes on with the first one's random numbers; batches then hold two views of each image.
  ///   - output: what batches hold; bytes are normalised where they are used.
  ///   - batch: images in a batch, of all ranks together: a multiple of their number.
  ///   - sampling: the order of the images.
  ///   - number: the first batch given out.
  ///   - rank: which of several processes this is; its batches are its rows of the whole ones.
  ///   - prefetch: batches that are made ahead.
  ///   - cacheBytes: memory for decoded images, which are then decoded once; 0 for none. Batches
  ///     are the same whatever fits. JPEG files, which are decoded no further than a crop needs
  ///     without a cache, give slightly other pixels with one, the same for any size of it.
  ///   - brokenFraction: the share of the set that may be broken.
  public init(
    _ dataset: any ImageDataset, path: String = "data", transform: ImageTransform,
    secondView: ImageTransform? = nil, output: PixelOutput = .floats, batch: Int,
    sampling: Sampling = Sampling(), seed: UInt64, startingAt number: Int = 0,
    rank: DataParallelRank = .single, workers: Int, prefetch: Int = 2,
    cacheBytes: Int = 0,
    brokenFraction: Double = 0.01
  ) {
    precondition(dataset.count >= 1, "a set without images")
    precondition(batch >= 1 && workers >= 1 && prefetch >= 1 && number >= 0)
    if let secondView {
      precondition(
        secondView.size == transform.size && secondView.normalization == transform.normalization,
        "two views of other sizes or normalisations")
    }
    let plan = TrainingPlan(
      dataset.layout, sampling, batch: batch, seed: seed, rank: rank)
    if let own = plan.ownImages {
      (dataset as? any PartlyReadDataset)?.expectReading(own, processes: rank.onHost)
    }
    let limit = UndecodableImages.limit(fraction: brokenFraction, count: dataset.count)
    self.path = path
    stepsPerEpoch = sampling.stepsPerEpoch(images: dataset.count, batch: batch)
    pipeline = BatchPipeline(
      dataset: dataset, transform: transform, otherViews: secondView.map { [$0] } ?? [],
      output: output, plan: .training(plan),
      batch: plan.share.rows.count,
      startingAt: number, workers: workers, depth: prefetch, attempts: limit + 1,
      cacheBytes: cacheBytes)
    record = Mutex(
      Record(broken: UndecodableImages(limit: limit, setting: "data.brokenLimit of the recipe")))
    pipeline.start()
  }

  deinit { pipeline.stop() }

  /// The next batch; waits for it if need be.
  ///
  /// - Throws: `DatasetError` of kind `tooManyBroken`.
  /// - Precondition: `stop()` has not been called.
  public func next() throws(DatasetError) -> Batch {
    let clock = ContinuousClock()
    let start = clock.now
    let filled = pipeline.next()
    let waited = start.duration(to: clock.now)
    guard let filled else { preconditionFailure("the loader has been stopped") }
    let failure = record.withLock { record -> DatasetError? in
      record.waited += waited
      do throws(DatasetError) {
        try record.broken.add(
          filled.outcomes.flatMap(\.broken), of: path, count: pipeline.dataset.count)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    guard let batch = Batch(filled, of: pipeline), batch.count == filled.outcomes.count else {
      throw DatasetError(.tooManyBroken, path: path, "none of the images could be decoded")
    }
    return batch
  }

  /// Stops the workers and waits until they have ended.
  public func stop() { pipeline.stop() }

  /// Seconds that `next()` has waited in all.
  public var waited: Double { record.withLock { $0.waited } / .seconds(1) }

  /// Bytes of decoded images that are kept; never more than `cacheBytes`.
  public var cachedBytes: Int { pipeline.cachedBytes }

  /// Bytes of image files that have been read so far, by this process.
  public var bytesRead: Int { times.bytes }

  /// What the workers' time has gone to so far.
  public var times: StageTimes { pipeline.times }

  /// The images met so far that could not be decoded, each once, in the order of the batches.
  public var broken: [UndecodableImage] { record.withLock { $0.broken.found } }
}

extension Batch {
  /// Closes the gaps that broken images left; nil where nothing is left.
  init?(_ filled: FilledBatch, of pipeline: BatchPipeline) {
    let views = pipeline.views.count
    let bytes = views * pipeline.transform.valueCount * pipeline.output.byteCount
    let base = filled.storage.baseAddress
    var indices: [Int] = []
    for (slot, outcome) in filled.outcomes.enumerated() {
      guard let index = outcome.index else { continue }
      if slot != indices.count {
        (base + indices.count * bytes).copyMemory(from: base + slot * bytes, byteCount: bytes)
      }
      indices.append(index)
    }
    guard !indices.isEmpty else { return nil }
    let dataset = pipeline.dataset
    self.init(
      number: filled.number, indices: indices,
      labels: indices.map { dataset.label(of: $0) ?? -1 },
      share: pipeline.plan.share(of: indices.count),
      views: views, channels: pipeline.transform.channels, size: pipeline.transform.size,
      output: pipeline.output, normalization: pipeline.transform.normalization,
      storage: filled.storage, dataset: dataset)
  }
}
