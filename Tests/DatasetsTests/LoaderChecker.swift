import Imaging
import Testing

@testable import Datasets

/// What a training loader must do over any set and with any settings: the same batches whatever the
/// number of workers and wherever it was stopped, and no image shown too often or too rarely.
struct LoaderChecker {
  var dataset: any ImageDataset
  /// Images of each rank in a batch.
  var batch = 4
  var seed: UInt64 = 5
  var sampling = Sampling()
  var output = PixelOutput.floats
  var cacheBytes = 0
  var transform = ImageTransform(
    Augmentation(
      minScale: 0.3, jitter: ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1)),
    size: PixelSize(width: 7, height: 5), normalization: .imageNet)

  init(_ dataset: any ImageDataset) { self.dataset = dataset }

  /// All that a batch says.
  struct Seen: Equatable {
    var number: Int
    var indices: [Int]
    var names: [String]
    var labels: [Int]
    var values: [Float]

    init(_ batch: Batch) {
      number = batch.number
      indices = batch.indices
      names = batch.names
      labels = batch.labels
      values = batch.values
    }
  }

  func loader(
    at step: Int = 0, workers: Int = 2, rank: DataParallelRank = .single, prefetch: Int = 2
  ) -> BatchLoader {
    BatchLoader(
      dataset, transform: transform, output: output, batch: batch * rank.count, sampling: sampling,
      seed: seed,
      startingAt: step,
      rank: rank, workers: workers, prefetch: prefetch,
      cacheBytes: cacheBytes, brokenFraction: 0.2)
  }

  func batches(
    _ steps: Range<Int>, workers: Int = 2, rank: DataParallelRank = .single
  ) throws -> [Seen] {
    let loader = loader(at: steps.lowerBound, workers: workers, rank: rank)
    defer { loader.stop() }
    return try steps.map { _ in Seen(try loader.next()) }
  }

  /// Stops after every step of `steps` and continues with every number of workers: what is left
  /// must be what an unbroken run shows, to the last pixel.
  func checkResuming(
    steps: Int, ranks: Int = 1, workers: [Int] = [1, 2, 4],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for rank in (0..<ranks).map({ DataParallelRank($0, of: ranks) }) {
      let whole = try batches(0..<steps, workers: 1, rank: rank)
      #expect(whole.map(\.number) == Array(0..<steps), sourceLocation: sourceLocation)
      for count in workers {
        for stop in 0..<steps {
          let first = loader(workers: count, rank: rank, prefetch: 3)
          let before = try (0..<stop).map { _ in Seen(try first.next()) }
          first.stop()
          let after = try batches(stop..<steps, workers: count, rank: rank)
          #expect(
            before + after == whole,
            "stopped at \(stop), \(count) workers, rank \(rank)",
            sourceLocation: sourceLocation)
        }
      }
    }
  }
}
