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
  /// What bytes are still to be normalised by; floats are normalised.
  public let normalization: PixelNormalization
  /// What the pixels are: bytes of pictures, floats of rasters.
  public let output: PixelOutput
  /// Keeps `pixels` and `labels` alive.
  public let storage: BatchStorage
  private let labelOffset: Int
  let dataset: any ImageDataset

  fileprivate init(
    number: Int, indices: [Int], share: BatchShare, size: PixelSize,
    normalization: PixelNormalization, output: PixelOutput,
    storage: BatchStorage, labelOffset: Int, dataset: any ImageDataset
  ) {
    self.number = number
    self.indices = indices
    self.share = share
    self.size = size
    self.normalization = normalization
    self.output = output
    self.storage = storage
    self.labelOffset = labelOffset
    self.dataset = dataset
  }

  /// Bytes before normalisation or normalised floats, `[B, C, H, W]`; valid while `storage` is held.
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
      UnsafeRawBufferPointer(
        start: pixels, count: count * channels * size.width * size.height * output.byteCount))
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
  ///   - raster: how pictures are read as rasters, whose batches are normalised floats; nil for
  ///     pictures of 8 bits.
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
    valueRange: ClosedRange<Int>? = nil, raster: RasterSettings? = nil, batch: Int,
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
    layout = LabelledLayout(
      channels: normalization.channels, size: augmentation.crop,
      output: raster == nil ? .bytes : .floats)
    stepsPerEpoch = sampling.stepsPerEpoch(images: dataset.count, batch: batch)
    pipeline = BatchPipeline(
      dataset: dataset,
      transform: ImageTransform(
        .identity, size: augmentation.crop, normalization: normalization),
      output: layout.output, plan: .training(plan), batch: plan.share.rows.count,
      startingAt: number,
      workers: workers,
      depth: prefetch, attempts: limit + 1,
      writer: LabelledWriter(
        dataset: dataset, augmentation: augmentation, normalization: normalization,
        valueRange: valueRange, raster: raster, layout: layout))
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
  let output: PixelOutput

  var pixelBytes: Int { channels * size.width * size.height * output.byteCount }
  var labelBytes: Int { 2 * size.width * size.height }
  /// Labels begin at an even address, and pixels at one that suits them.
  var byteCount: Int {
    let whole = max(2, output.byteCount)
    return ((pixelBytes + 1) / 2 * 2 + labelBytes + whole - 1) / whole * whole
  }

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
      normalization: pipeline.transform.normalization, output: output, storage: filled.storage,
      labelOffset: offset, dataset: pipeline.dataset)
  }
}

/// Writes a picture as planes of bytes or a raster as planes of floats, and its labels as 16-bit numbers.
private struct LabelledWriter: SlotWriter {
  let dataset: any LabelMapDataset
  let augmentation: SegmentationAugmentation
  let normalization: PixelNormalization
  let valueRange: ClosedRange<Int>?
  let raster: RasterSettings?
  let layout: LabelledLayout

  var byteCount: Int { layout.byteCount }

  func write(
    _ index: Int, using random: inout SampleRandom, into place: UnsafeMutableRawPointer,
    scratch: DecoderScratch
  ) throws(ImageError) {
    var start = StageTimes.Instant.now
    let content = try dataset.content(of: index).withValueRange(valueRange)
    scratch.times.add(\.read, since: &start)
    let whole = try content.whole(
      channels: layout.channels, raster: raster, means: normalization.mean)
    let labels = try dataset.labelMap(of: index)
    scratch.times.add(\.decode, since: &start)
    let cut: LabelMap
    switch whole {
    case .picture(let image):
      let example = augmentation.apply(
        image, labels, fill: normalization.meanBytes, using: &random)
      example.image.writePlanes(
        into: place.bindMemory(to: UInt8.self, capacity: layout.pixelBytes))
      cut = example.labels
    case .raster(let raster, _):
      try whole.requireSize(labels.size, "its labels have")
      cut = augmentation.apply(
        raster, labels, normalized: normalization,
        into: place.bindMemory(to: Float.self, capacity: layout.pixelBytes / 4), using: &random)
    }
    let numbers = (place + byteCount - layout.labelBytes).bindMemory(
      to: Int16.self, capacity: layout.labelBytes / 2)
    for (i, label) in cut.labels.enumerated() {
      numbers[i] = Int16(truncatingIfNeeded: label)
    }
    scratch.times.add(\.resample, since: &start)
  }
}
