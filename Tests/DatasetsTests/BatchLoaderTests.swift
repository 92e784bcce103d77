import Foundation
import Imaging
import Testing

@testable import Datasets

@Suite(.timeLimit(.minutes(1))) struct BatchLoaderTests {
  struct Seen: Equatable {
    var indices: [Int]
    var labels: [Int]
    var values: [Float]

    init(_ batch: Batch) {
      indices = batch.indices
      labels = batch.labels
      values = batch.values
    }
  }

  static let random = transform(
    Augmentation(minScale: 0.3, jitter: ColorJitter(brightness: 0.3)), side: 5)

  func batches(
    _ steps: Range<Int>, of set: SyntheticDataset, batch: Int = 6, seed: UInt64 = 1,
    rank: DataParallelRank = .single, workers: Int = 2
  ) throws -> [Seen] {
    let loader = BatchLoader(
      set, transform: Self.random, batch: batch * rank.count, seed: seed,
      startingAt: steps.lowerBound,
      rank: rank, workers: workers, brokenFraction: 0.2)
    defer { loader.stop() }
    return try steps.map { step in
      let next = try loader.next()
      #expect(next.number == step)
      return Seen(next)
    }
  }

  @Test func `workers do not change the batches`() throws {
    let set = SyntheticDataset(count: 50, broken: [3, 20, 21], side: 9)
    let one = try batches(0..<30, of: set, workers: 1)
    for workers in [2, 4, 7] {
      #expect(try batches(0..<30, of: set, workers: workers) == one)
    }
    #expect(try batches(0..<30, of: set, seed: 2) != one)
  }

  @Test func `a later start continues`() throws {
    let set = SyntheticDataset(count: 50)
    let whole = try batches(0..<40, of: set)
    #expect(try Array(batches(17..<40, of: set)) == Array(whole[17...]))
  }

  @Test func `an epoch shows every image once, and the next in another order`() throws {
    let set = SyntheticDataset(count: 24)
    let all = try batches(0..<8, of: set)
    let first = all[..<4].flatMap(\.indices)
    let second = all[4...].flatMap(\.indices)
    #expect(first.sorted() == Array(0..<24))
    #expect(second.sorted() == Array(0..<24))
    #expect(first != second)
    #expect(all.allSatisfy { $0.labels == $0.indices.map { $0 % 2 } })
  }

  @Test func `an image is cut differently in every epoch`() throws {
    let set = SyntheticDataset(count: 6, side: 9)
    let all = try batches(0..<2, of: set)
    let size = 25
    for index in 0..<6 {
      let cuts = all.map { seen in
        let slot = seen.indices.firstIndex(of: index) ?? 0
        return Array(seen.values[slot * size..<(slot + 1) * size])
      }
      #expect(cuts[0] != cuts[1])
    }
  }

  @Test func `ranks share an epoch`() throws {
    let set = SyntheticDataset(count: 24)
    let shares = try (0..<2).map {
      try batches(0..<2, of: set, rank: DataParallelRank($0, of: 2)).flatMap(\.indices)
    }
    #expect((shares[0] + shares[1]).sorted() == Array(0..<24))
  }

  @Test func `ranks see together what one process sees`() throws {
    let set = SyntheticDataset(count: 31, side: 9)
    let whole = try batches(0..<5, of: set, batch: 12)
    for ranks in [2, 3, 4, 6, 12] {
      for step in 0..<5 {
        var indices = [Int](repeating: -1, count: 12)
        var values = [[Float]](repeating: [], count: 12)
        for rank in (0..<ranks).map({ DataParallelRank($0, of: ranks) }) {
          let seen = try batches(step..<step + 1, of: set, batch: 12 / ranks, rank: rank)[0]
          let share = rank.share(of: 12)
          #expect(share.isMirrored == ((12 / ranks) % 2 == 0))
          for (slot, row) in share.rows.enumerated() {
            let size = seen.values.count / share.rows.count
            indices[row] = seen.indices[slot]
            values[row] = Array(seen.values[slot * size..<(slot + 1) * size])
          }
        }
        #expect(indices == whole[step].indices)
        #expect(values.flatMap(\.self) == whole[step].values)
      }
    }
  }

  @Test func `a small set fills a large batch`() throws {
    let seen = try batches(0..<2, of: SyntheticDataset(count: 4, side: 9), batch: 10)
    #expect(seen[0].indices.count == 10)
    #expect(Set(seen[0].indices) == [0, 1, 2, 3])
    #expect(seen[0].indices[..<4].sorted() == [0, 1, 2, 3])
    // The same image twice in a batch is cut in two ways.
    let again = try #require(seen[0].indices[4...].firstIndex(of: seen[0].indices[0]))
    #expect(seen[0].values[..<25] != seen[0].values[again * 25..<(again + 1) * 25])
  }

  @Test func `pixels are the dataset's, normalised`() throws {
    let set = SyntheticDataset(count: 8)
    let loader = BatchLoader(set, transform: transform(), batch: 3, seed: 0, workers: 2)
    defer { loader.stop() }
    let batch = try loader.next()
    #expect(UInt(bitPattern: batch.pixels) % 64 == 0)
    #expect(batch.names == batch.indices.map { "image \($0)" })
    let expected = try batch.indices.flatMap { index in
      try set.image(at: index, channels: 1).pixels.map { (Float($0) / 255 - 0.5) / 0.25 }
    }
    #expect(zip(batch.values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func `broken images are replaced and named once`() throws {
    let set = SyntheticDataset(count: 100, broken: [7])
    let loader = BatchLoader(set, transform: transform(), batch: 10, seed: 3, workers: 3)
    defer { loader.stop() }
    for _ in 0..<30 {
      let batch = try loader.next()
      #expect(batch.count == 10)
      #expect(!batch.indices.contains(7))
    }
    #expect(loader.broken.map(\.name) == ["image 7"])
    #expect(loader.broken.first?.reason == "is damaged on purpose")
  }

  @Test func `too many broken images stop the run`() throws {
    let set = SyntheticDataset(count: 100, broken: [7, 8, 9, 50])
    let loader = BatchLoader(
      set, path: "photos", transform: transform(), batch: 10, seed: 3, workers: 3)
    defer { loader.stop() }
    let error = #expect(throws: DatasetError.self) {
      for _ in 0..<10 { _ = try loader.next() }
    }
    #expect(error?.kind == .tooManyBroken)
    #expect(
      error?.description.hasPrefix("photos: 2 of 100 images could not be decoded, 1 may be: image ")
        == true)
  }

  @Test func `a set with nothing but broken images ends`() {
    let set = SyntheticDataset(count: 20, broken: Set(0..<20))
    for fraction in [0, 0.01, 1] {
      let loader = BatchLoader(
        set, transform: transform(), batch: 4, seed: 3, workers: 2, brokenFraction: fraction)
      #expect(throws: DatasetError.self) {
        for _ in 0..<5 { _ = try loader.next() }
      }
    }
  }

  @Test func `work ahead is bounded`() throws {
    let set = SyntheticDataset(count: 1000)
    let loader = BatchLoader(
      set, transform: transform(), batch: 10, seed: 3, workers: 4, prefetch: 3)
    defer { loader.stop() }
    // A worker that makes more than is allowed has every step of the run to show it.
    for taken in 0..<50 {
      #expect(try becomesTrue { set.asked.count >= 10 * (taken + 3) })
      #expect(set.asked.count == 10 * (taken + 3))
      _ = try loader.next()
    }
  }

  @Test func `memory is used again, and not while it is held`() throws {
    let loader = BatchLoader(
      SyntheticDataset(count: 1000), transform: transform(), batch: 10, seed: 3, workers: 2)
    defer { loader.stop() }
    var addresses: Set<UnsafeMutableRawPointer> = []
    for _ in 0..<50 { addresses.insert(try loader.next().pixels) }
    #expect(addresses.count <= 4)
    let held = try (0..<5).map { _ in try loader.next() }
    let values = held.map(\.values)
    for _ in 0..<20 { _ = try loader.next() }
    #expect(held.map(\.values) == values)
    #expect(Set(held.map(\.pixels)).count == 5)
  }

  @Test func `a loader that is let go ends its threads`() throws {
    /// Is let go when the last thread that reads the set has ended.
    final class Held: Sendable {
      let released: Counter
      init(_ released: Counter) { self.released = released }
      deinit { released.increment() }
    }
    let released = Counter()
    for _ in 0..<20 {
      var set = SyntheticDataset(count: 1000)
      set.held = Held(released)
      _ = BatchLoader(set, transform: transform(), batch: 10, seed: 3, workers: 4)
    }
    #expect(try becomesTrue { released.count == 20 })
  }

  @Test func `sequential batches cover a range once`() throws {
    let set = SyntheticDataset(count: 23, broken: [3])
    let loader = SequentialLoader(
      set, range: 2..<21, transform: transform(), batch: 4, workers: 3)
    var indices: [Int] = []
    while let batch = try loader.next() {
      indices += batch.indices
      let expected = try batch.indices.flatMap { index in
        try set.image(at: index, channels: 1).pixels.map { (Float($0) / 255 - 0.5) / 0.25 }
      }
      #expect(zip(batch.values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }
    #expect(indices == (2..<21).filter { $0 != 3 })
    #expect(loader.broken.map(\.index) == [3])
    #expect(try loader.next() == nil)
  }
}

@Suite struct PixelStatisticsTests {
  @Test func `mean and std`() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "a.png", ByteImage(width: 2, height: 1, channels: 1, pixels: [0, 255]).encodedAsPNG())
    try folder.write(
      "b.png", ByteImage(width: 4, height: 1, channels: 1, pixels: [51, 51, 51, 51]).encodedAsPNG())
    try folder.write("c.png", "broken")
    let set = try openDataset(at: folder.path)
    let found = try PixelStatistics(of: set, channels: 1)
    // Each image counts as much: mean of 0.5 and 0.2, of squares 0.5 and 0.04.
    #expect(abs(found.normalization.mean[0] - 0.35) < 1e-12)
    #expect(abs(found.normalization.std[0] - (0.27 - 0.35 * 0.35).squareRoot()) < 1e-12)
    #expect(found.images == 2)
    #expect(found.broken.map(\.name) == ["c.png"])
    #expect(try PixelStatistics(of: set, channels: 1) == found)
    #expect(try PixelStatistics(of: set, channels: 3, sample: 2).normalization.mean.count == 3)
  }

  @Test func `one colour has a std above zero`() throws {
    let folder = try TemporaryFolder()
    try folder.writeImage("a.png", gray: 9)
    #expect(try PixelStatistics(of: openDataset(at: folder.path)).normalization.std[0] > 0)
  }
}
