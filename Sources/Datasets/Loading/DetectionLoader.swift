public import Imaging
import Synchronization

/// Pictures for training a detector, cut by large-scale jitter, with their objects.
public struct DetectionBatch: Sendable {
  /// Number of the batch: the step in training.
  public let number: Int
  /// The pictures' numbers in the set, `B` of them.
  public let indices: [Int]
  /// Which rows these are of the batch of all processes.
  public let share: BatchShare
  /// Height and width, `H` and `W`.
  public let size: PixelSize
  /// What bytes are still to be normalised by; floats are normalised.
  public let normalization: PixelNormalization
  /// What the pixels are: bytes of pictures, floats of rasters.
  public let output: PixelOutput
  /// How each picture lies in its square.
  public let views: [DetectionView]
  /// Keeps `pixels` alive.
  public let storage: BatchStorage
  let dataset: DetectionSet

  /// Bytes before normalisation or normalised floats, `[B, C, H, W]`; valid while `storage` is held.
  public var pixels: UnsafeMutableRawPointer { storage.baseAddress }
  /// Number of pictures here, `B`.
  public var count: Int { indices.count }
  /// Channels, `C`.
  public var channels: Int { normalization.channels }
  /// What the pictures are called.
  public var names: [String] { indices.map { dataset.name(of: $0) } }

  /// The objects of each picture, in the example's pixels.
  public func objects() -> [[DetectionObject]] {
    zip(indices, views).map { dataset.objects(of: $0, in: $1) }
  }
}

/// Batches for training a detector: shuffled, jittered, without end, made by threads ahead of time.
///
/// What is in a batch depends on the set, the jitter, the sampling, the seed and the batch's number
/// alone, as with ``BatchLoader``.
///
/// Use from one thread; `stop()` may be called from any.
public final class DetectionLoader: Sendable {
  /// Steps in one epoch; each has `sampling.accumulation` batches.
  public let stepsPerEpoch: Int
  private let path: String
  private let dataset: DetectionSet
  private let pipeline: BatchPipeline
  private let output: PixelOutput
  private let pixelBytes: Int
  private let record: Mutex<Record>

  private struct Record {
    var broken: UndecodableImages
    var waited = Duration.zero
  }

  /// Creates a loader and starts its workers.
  ///
  /// - Parameters:
  ///   - path: what the set is called in messages.
  ///   - valueRange: which samples of 16 bits become black and white, see `EncodedImage.valueRange`.
  ///   - raster: how pictures are read as rasters, whose batches are normalised floats; nil for
  ///     pictures of 8 bits.
  ///   - batch: pictures in a batch, of all ranks together: a multiple of their number.
  ///   - number: the first batch given out.
  ///   - rank: which of several processes this is; its batches are its rows of the whole ones.
  ///   - prefetch: batches that are made ahead.
  ///   - brokenFraction: the share of the set that may be broken.
  public init(
    _ dataset: DetectionSet, path: String = "data", jitter: LargeScaleJitter,
    normalization: PixelNormalization, valueRange: ClosedRange<Int>? = nil,
    raster: RasterSettings? = nil, batch: Int,
    sampling: Sampling = Sampling(), seed: UInt64, startingAt number: Int = 0,
    rank: DataParallelRank = .single, workers: Int,
    prefetch: Int = 2, brokenFraction: Double = 0.01
  ) {
    precondition(batch >= 1 && workers >= 1 && prefetch >= 1 && number >= 0)
    let plan = TrainingPlan(dataset.layout, sampling, batch: batch, seed: seed, rank: rank)
    let limit = UndecodableImages.limit(fraction: brokenFraction, count: dataset.count)
    let size = PixelSize(width: jitter.side, height: jitter.side)
    self.path = path
    self.dataset = dataset
    output = raster == nil ? .bytes : .floats
    pixelBytes = normalization.channels * jitter.side * jitter.side * output.byteCount
    stepsPerEpoch = sampling.stepsPerEpoch(images: dataset.count, batch: batch)
    pipeline = BatchPipeline(
      dataset: dataset,
      transform: ImageTransform(.identity, size: size, normalization: normalization),
      output: output, plan: .training(plan), batch: plan.share.rows.count, startingAt: number,
      workers: workers, depth: prefetch, attempts: limit + 1,
      writer: DetectionWriter(
        dataset: dataset, jitter: jitter, normalization: normalization, valueRange: valueRange,
        raster: raster, pixelBytes: pixelBytes))
    record = Mutex(
      Record(broken: UndecodableImages(limit: limit, setting: "data.brokenLimit of the recipe")))
    pipeline.start()
  }

  deinit { pipeline.stop() }

  /// The next batch; waits for it if need be.
  ///
  /// - Throws: `DatasetError` of kind `tooManyBroken`.
  /// - Precondition: `stop()` has not been called.
  public func next() throws(DatasetError) -> DetectionBatch {
    let clock = ContinuousClock()
    let start = clock.now
    let filled = pipeline.next()
    let waited = start.duration(to: clock.now)
    guard let filled else { preconditionFailure("the loader has been stopped") }
    let failure = record.withLock { record -> DatasetError? in
      record.waited += waited
      do throws(DatasetError) {
        try record.broken.add(filled.outcomes.flatMap(\.broken), of: path, count: dataset.count)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    let indices = filled.outcomes.compactMap(\.index)
    guard indices.count == filled.outcomes.count else {
      throw DatasetError(.tooManyBroken, path: path, "none of the images could be decoded")
    }
    let base = filled.storage.baseAddress
    let slot = pixelBytes + DetectionWriter.viewBytes
    var views: [DetectionView] = []
    for row in indices.indices {
      views.append(
        (base + row * slot + pixelBytes).loadUnaligned(as: DetectionView.self))
      // What is written over was read before.
      if row > 0 {
        (base + row * pixelBytes).copyMemory(from: base + row * slot, byteCount: pixelBytes)
      }
    }
    return DetectionBatch(
      number: filled.number, indices: indices, share: pipeline.plan.share(of: indices.count),
      size: pipeline.transform.size, normalization: pipeline.transform.normalization,
      output: output, views: views, storage: filled.storage, dataset: dataset)
  }

  /// Stops the workers and waits until they have ended.
  public func stop() { pipeline.stop() }

  /// Seconds that `next()` has waited in all.
  public var waited: Double { record.withLock { $0.waited } / .seconds(1) }

  /// What the workers' time has gone to so far.
  public var times: StageTimes { pipeline.times }

  /// The pictures met so far that could not be decoded, each once, in the order of the batches.
  public var broken: [UndecodableImage] { record.withLock { $0.broken.found } }
}

/// Writes a picture as planes of bytes, or a raster as planes of floats, and, behind them, how it lies in its square.
private struct DetectionWriter: SlotWriter {
  let dataset: DetectionSet
  let jitter: LargeScaleJitter
  let normalization: PixelNormalization
  let valueRange: ClosedRange<Int>?
  let raster: RasterSettings?
  let pixelBytes: Int

  static var viewBytes: Int { MemoryLayout<DetectionView>.stride }
  var byteCount: Int { pixelBytes + Self.viewBytes }

  func write(
    _ index: Int, using random: inout SampleRandom, into place: UnsafeMutableRawPointer,
    scratch: DecoderScratch
  ) throws(ImageError) {
    var start = StageTimes.Instant.now
    let content = try dataset.content(of: index).withValueRange(valueRange)
    scratch.times.add(\.read, since: &start)
    let whole = try content.whole(
      channels: normalization.channels, raster: raster, means: normalization.mean)
    scratch.times.add(\.decode, since: &start)
    let size = whole.size
    if let known = dataset.annotations.images[dataset.pictures[index]].size, known != size {
      if raster != nil { try whole.requireSize(known, "its annotations say") }
      throw ImageError(
        .corrupt, name: dataset.name(of: index),
        "has \(size) pixels; its annotations say \(known): correct the file, or save the picture as "
          + "it is shown where its EXIF turns it")
    }
    let view = jitter.view(of: size, using: &random)
    switch whole {
    case .picture(let image):
      let fill =
        jitter.keepsPadding
        ? [UInt8](repeating: 128, count: normalization.channels) : normalization.meanBytes
      view.picture(image, fill: fill).writePlanes(
        into: place.bindMemory(to: UInt8.self, capacity: pixelBytes))
    case .raster(let raster, _):
      view.write(
        raster, normalized: normalization,
        into: place.bindMemory(to: Float.self, capacity: pixelBytes / 4))
    }
    (place + pixelBytes).storeBytes(of: view, as: DetectionView.self)
    scratch.times.add(\.resample, since: &start)
  }
}
