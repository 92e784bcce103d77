public import Imaging
import Synchronization

/// Some pictures with their labels as a model takes them, and what is known about them.
public struct LabelledBatch: Sendable {
  /// Number of the batch: the step in training.
  public let number: Int
  /// The pictures' numbers in the set, `B` of them.
  public let indices: [Int]
  /// Which rows these are of the batch of all processes.
  public let share: BatchShare
  /// Height and width, `H` and `W`.
  public let size: PixelSize
  /// What the pixels are still to be normalised by.
  public let normalization: PixelNormalization
  /// Keeps `pixels` and `labels` alive.
  public let storage: BatchStorage
  private let labelOffset: Int
  let dataset: any ImageDataset

  fileprivate init(
    number: Int, indices: [Int], share: BatchShare, size: PixelSize,
    normalization: PixelNormalization,
    storage: BatchStorage, labelOffset: Int, dataset: any ImageDataset
  ) {
    self.number = number
    self.indices = indices
    self.share = share
    self.size = size
    self.normalization = normalization
    self.storage = storage
    self.labelOffset = labelOffset
    self.dataset = dataset
  }

  /// Bytes before normalisation, `[B, C, H, W]`; valid while `storage` is held.
  public var pixels: UnsafeMutableRawPointer { storage.baseAddress }
  /// The class of each pixel, int16 `[B, H, W]`; −1 for what is ignored.
  public var labels: UnsafeMutableRawPointer { storage.baseAddress + labelOffset }
  /// Number of pictures here, `B`.
  public var count: Int { indices.count }
  /// Channels, `C`.
  public var channels: Int { normalization.channels }
  /// What the pictures are called.
  public var names: [String] { indices.map { dataset.name(of: $0) } }

  /// The bytes of the pixels, for tests and small uses.
  public var pixelBytes: [UInt8] {
    Array(
      UnsafeRawBufferPointer(start: pixels, count: count * channels * size.width * size.height))
  }

  /// The labels, for tests and small uses.
  public var labelValues: [Int16] {
    let count = count * size.width * size.height
    return Array(UnsafeRawBufferPointer(start: labels, count: 2 * count).bindMemory(to: Int16.self))
  }
}

/// Batches of pictures with label maps for training: shuffled, augmented, without end, made by
/// threads ahead of time; or of a set from first to last.
///
/// What is in a batch depends on the set, the augmentation, the sampling, the seed and the batch's
/// number alone, as with ``BatchLoader``. A picture or a label map that cannot be decoded is
/// replaced by the next in the epoch's order.
///
/// Use from one thread; `stop()` may be called from any.
public final class LabelMapLoader: Sendable {
  /// Steps in one epoch; each has `sampling.accumulation` batches.
  public let stepsPerEpoch: Int
  private let path: String
  private let pipeline: BatchPipeline
  private let layout: LabelledLayout
  private let record: Mutex<Record>

  private struct Record {
    var broken: UndecodableImages
    var waited = Duration.zero
  }

  /// Creates a loader and starts its workers.
  ///
  /// - Parameters:
  ///   - path: what the set is called in messages.
  ///   - normalization: of how many channels the batches are, and what pictures are padded with:
  ///     the mean, as a byte.
  ///   - valueRange: which samples of 16 bits become black and white, see `EncodedImage.valueRange`.
  ///   - batch: pictures in a batch, of all ranks together: a multiple of their number.
  ///   - sampling: the order of the pictures.
  ///   - number: the first batch given out.
  ///   - rank: which of several processes this is; its batches are its rows of the whole ones.
  ///   - prefetch: batches that are made ahead.
  ///   - brokenFraction: the share of the set that may be broken.
  /// - Precondition: there are at most 32,767 classes.
  public init(
    _ dataset: any LabelMapDataset, path: String = "data",
    augmentation: SegmentationAugmentation, normalization: PixelNormalization,
    valueRange: ClosedRange<Int>? = nil, batch: Int,
    sampling: Sampling = Sampling(), seed: UInt64, startingAt number: Int = 0,
    rank: DataParallelRank = .single, workers: Int, prefetch: Int = 2,
    brokenFraction: Double = 0.01
  ) {
    precondition(dataset.count >= 1, "a set without pictures")
    precondition(batch >= 1 && workers >= 1 && prefetch >= 1 && number >= 0)
    precondition(dataset.numbering.count <= Int(Int16.max), "too many classes for 16 bits")
    let plan = TrainingPlan(dataset.layout, sampling, batch: batch, seed: seed, rank: rank)
    let limit = UndecodableImages.limit(fraction: brokenFraction, count: dataset.count)
    self.path = path
    layout = LabelledLayout(channels: normalization.channels, size: augmentation.crop)
    stepsPerEpoch = sampling.stepsPerEpoch(images: dataset.count, batch: batch)
    pipeline = BatchPipeline(
      dataset: dataset,
      transform: ImageTransform(
        .identity, size: augmentation.crop, normalization: normalization),
      output: .bytes, plan: .training(plan), batch: plan.share.rows.count, startingAt: number,
      workers: workers,
      depth: prefetch, attempts: limit + 1,
      writer: LabelledWriter(
        dataset: dataset, augmentation: augmentation, normalization: normalization,
        valueRange: valueRange, layout: layout))
    record = Mutex(
      Record(broken: UndecodableImages(limit: limit, setting: "data.brokenLimit of the recipe")))
    pipeline.start()
  }

  deinit { pipeline.stop() }

  /// The next batch; waits for it if need be.
  ///
  /// - Throws: `DatasetError` of kind `tooManyBroken`.
  /// - Precondition: `stop()` has not been called.
  public func next() throws(DatasetError) -> LabelledBatch {
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
    let indices = filled.outcomes.compactMap(\.index)
    guard indices.count == filled.outcomes.count else {
      throw DatasetError(.tooManyBroken, path: path, "none of the images could be decoded")
    }
    return layout.batch(filled, indices: indices, of: pipeline)
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

/// Where an example's parts are: all of its pixels, then all of its labels.
struct LabelledLayout: Hashable, Sendable {
  let channels: Int
  let size: PixelSize

  var pixelBytes: Int { channels * size.width * size.height }
  var labelBytes: Int { 2 * size.width * size.height }
  /// Labels begin at an even address.
  var byteCount: Int { (pixelBytes + 1) / 2 * 2 + labelBytes }

  /// Moves all pixels to the front and all labels behind them.
  func batch(
    _ filled: FilledBatch, indices: [Int], of pipeline: BatchPipeline
  ) -> LabelledBatch {
    let count = indices.count
    let base = filled.storage.baseAddress
    let labels = UnsafeMutableRawPointer.allocate(byteCount: count * labelBytes, alignment: 64)
    defer { labels.deallocate() }
    for slot in 0..<count {
      let from = base + slot * byteCount
      (labels + slot * labelBytes).copyMemory(
        from: from + byteCount - labelBytes, byteCount: labelBytes)
      // The front only moves to the front: what is written over was copied or is pixels moved before.
      if slot > 0 { (base + slot * pixelBytes).copyMemory(from: from, byteCount: pixelBytes) }
    }
    let offset = (count * pixelBytes + 1) / 2 * 2
    (base + offset).copyMemory(from: labels, byteCount: count * labelBytes)
    return LabelledBatch(
      number: filled.number, indices: indices, share: pipeline.plan.share(of: indices.count),
      size: size,
      normalization: pipeline.transform.normalization, storage: filled.storage,
      labelOffset: offset, dataset: pipeline.dataset)
  }
}

/// Writes a picture as planes of bytes and its labels as 16-bit numbers.
private struct LabelledWriter: SlotWriter {
  let dataset: any LabelMapDataset
  let augmentation: SegmentationAugmentation
  let normalization: PixelNormalization
  let valueRange: ClosedRange<Int>?
  let layout: LabelledLayout

  var byteCount: Int { layout.byteCount }

  func write(
    _ index: Int, using random: inout SampleRandom, into place: UnsafeMutableRawPointer,
    scratch: DecoderScratch
  ) throws(ImageError) {
    var start = StageTimes.Instant.now
    let content = try dataset.content(of: index).withValueRange(valueRange)
    scratch.times.add(\.read, since: &start)
    let image = try content.image(channels: layout.channels)
    let labels = try dataset.labelMap(of: index)
    scratch.times.add(\.decode, since: &start)
    let example = augmentation.apply(
      image, labels, fill: normalization.meanBytes, using: &random)
    let pixels = place.bindMemory(to: UInt8.self, capacity: layout.pixelBytes)
    example.image.writePlanes(into: pixels)
    let numbers = (place + byteCount - layout.labelBytes).bindMemory(
      to: Int16.self, capacity: layout.labelBytes / 2)
    for (i, label) in example.labels.labels.enumerated() {
      numbers[i] = Int16(truncatingIfNeeded: label)
    }
    scratch.times.add(\.resample, since: &start)
  }
}
