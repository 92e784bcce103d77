import Datasets
import Imaging

/// How fast batches are made, and where the time goes.
struct DataBenchmark {
  /// Threads that made them.
  let workers: Int
  /// Images that were made.
  let images: Int
  /// Seconds on the clock.
  let seconds: Double
  /// What the workers' seconds went to, all threads together. There is no copying: pixels are
  /// resampled into the batch's memory, which a tensor wraps.
  let times: StageTimes

  /// Images a second.
  var imagesPerSecond: Double { Double(images) / seconds }
  /// Worker seconds that went into none of the stages: waiting, locks, bookkeeping.
  var other: Double { max(0, seconds * Double(workers) - times.total) }

  /// Makes batches as training does and throws them away.
  ///
  /// - Parameters:
  ///   - images: about how many are made; whole batches, after one pass that warms the caches.
  ///   - batch: images in a batch.
  ///   - output: what batches hold.
  ///   - cacheBytes: memory for decoded images.
  /// - Throws: `DatasetError` where too many images are broken.
  init(
    _ dataset: any ImageDataset, path: String = "data", transform: ImageTransform,
    images: Int = 2000, batch: Int = 50, output: PixelOutput = .floats, cacheBytes: Int = 0,
    workers: Int
  ) throws(DatasetError) {
    let loader = BatchLoader(
      dataset, path: path, transform: transform, output: output, batch: batch, seed: 0,
      workers: workers, cacheBytes: cacheBytes)
    defer { loader.stop() }
    for _ in 0..<(min(dataset.count, images) + batch - 1) / batch { _ = try loader.next() }
    let before = loader.times
    let start = ContinuousClock.now
    let steps = max(1, images / batch)
    for _ in 0..<steps { _ = try loader.next() }
    seconds = start.duration(to: .now) / .seconds(1)
    times = loader.times - before
    self.images = steps * batch
    self.workers = workers
  }

  /// The result, a line each.
  var lines: [String] {
    func milliseconds(_ seconds: Double) -> String {
      "\((seconds / Double(images) * 1e5).rounded() / 100) ms"
    }
    let busy = seconds * Double(workers)
    func line(_ name: String, _ seconds: Double) -> String {
      let padded = name + String(repeating: " ", count: max(0, 10 - name.count))
      let share = Int((seconds / busy * 100).rounded())
      return "  \(padded)\(milliseconds(seconds)) an image, \(share) %"
    }
    return [
      "\(workers) worker\(workers == 1 ? "" : "s"): \(Int(imagesPerSecond.rounded())) images/s",
      line("read", times.read), line("decode", times.decode), line("resample", times.resample),
      line("other", other),
    ]
  }
}
