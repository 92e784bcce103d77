import Imaging
import Testing

@testable import Datasets

/// Repeated augmentation: an image several times in a row, each time cut differently.
@Suite(.timeLimit(.minutes(1))) struct RepeatedAugmentationTests {
  func checker(_ set: any ImageDataset, repeats: Int) -> LoaderChecker {
    var checker = LoaderChecker(set)
    checker.sampling = Sampling(repeats: repeats)
    return checker
  }

  @Test func `an image comes several times in a row and never alike`() throws {
    let set = SyntheticDataset(count: 12, side: 9)
    for repeats in [2, 3, 4, 5] {
      let checker = checker(set, repeats: repeats)
      let steps = checker.loader().stepsPerEpoch
      #expect(steps == 3, "an epoch costs as many examples as without")
      let pass = try checker.batches(0..<steps * repeats)
      let indices = pass.flatMap(\.indices)
      let groups = stride(from: 0, to: indices.count, by: repeats).map {
        Array(indices[$0..<$0 + repeats])
      }
      #expect(groups.allSatisfy { Set($0).count == 1 })
      #expect(groups.map { $0[0] }.sorted() == Array(0..<12))
      let size = checker.transform.valueCount
      let pictures = pass.flatMap { seen in
        (0..<seen.indices.count).map { Array(seen.values[$0 * size..<($0 + 1) * size]) }
      }
      #expect(Set(pictures).count == pictures.count)
      let next = try checker.batches(steps * repeats..<2 * steps * repeats).flatMap(\.indices)
      #expect(next.sorted() == indices.sorted() && next != indices)
    }
  }

  @Test func `without repeats nothing changes`() throws {
    let set = SyntheticDataset(count: 13, side: 9)
    #expect(try checker(set, repeats: 1).batches(0..<9) == LoaderChecker(set).batches(0..<9))
  }

  @Test func `ranks share a pass, and what is left over is left out`() throws {
    let checker = checker(SyntheticDataset(count: 23), repeats: 3)
    // Two steps of eight an epoch: sixteen images thrice in three epochs.
    let shares = try (0..<2).map { rank in
      try checker.batches(0..<6, rank: DataParallelRank(rank, of: 2)).flatMap(\.indices)
    }
    let counts = Dictionary(shares.joined().map { ($0, 1) }, uniquingKeysWith: +)
    #expect(counts.count == 16 && counts.values.allSatisfy { $0 == 3 })
  }

  @Test func `loaders go on exactly`() throws {
    let sets = try PhotoSets(count: 11)
    try sets.files.write("in/dog/4.jpg", "damaged")
    try checker(sets.folder, repeats: 3).checkResuming(steps: 8)
    try checker(sets.shards, repeats: 2).checkResuming(steps: 6, ranks: 2, workers: [3])
    var small = checker(SyntheticDataset(count: 3, side: 9), repeats: 2)
    small.batch = 10
    try small.checkResuming(steps: 4, workers: [2])
    let mixture = try MixtureDataset([
      .init("a", sets.folder, weight: 2), .init("b", SyntheticDataset(count: 4), weight: 1),
    ])
    try checker(mixture, repeats: 3).checkResuming(steps: 8, workers: [2])
  }

  @Test func `a mixture repeats what it draws`() throws {
    let mixture = try MixtureDataset([
      .init("a", SyntheticDataset(count: 4), weight: 1),
      .init("b", SyntheticDataset(count: 4), weight: 1),
    ])
    let indices = try checker(mixture, repeats: 2).batches(0..<4).flatMap(\.indices)
    #expect(stride(from: 0, to: 16, by: 2).allSatisfy { indices[$0] == indices[$0 + 1] })
    #expect(Set(indices) == Set(0..<8))
  }

  @Test func `a repeated image is read once`() throws {
    let set = SyntheticDataset(count: 100)
    let checker = checker(set, repeats: 4)
    let loader = checker.loader(workers: 1, prefetch: 1)
    for _ in 0..<20 { _ = try loader.next() }
    loader.stop()
    // Twenty batches of one image four times each, and perhaps one that was made ahead.
    #expect((20...21).contains(set.asked.count))
  }
}
