import Imaging
import Testing

@testable import Datasets

@Suite(.timeLimit(.minutes(1))) struct BufferedOrderTests {
  /// Shards of uneven sizes, some of them empty.
  static func runs(_ count: Int, seed: Int) -> [Int] {
    var random = SampleRandom(seed: 3, sample: seed)
    var runs: [Int] = []
    var left = count
    while left > 0 {
      runs.append(min(left, random.integer(below: 9)))
      left -= runs[runs.count - 1]
    }
    return runs
  }

  @Test func `every order is a permutation`() {
    for count in Array(0...40) + [99, 1000] {
      for buffer in [1, 2, 3, 7, 16, 40, 41, 1000, 5000] {
        for runs in [[count], Self.runs(count, seed: count)] {
          for epoch in 0..<2 {
            let order = BufferedOrder(seed: 5, epoch: epoch, runs: runs, buffer: buffer)
            #expect(Array(order).sorted() == Array(0..<count), "\(runs) \(buffer)")
          }
        }
      }
    }
  }

  @Test func `images stay within the buffer of their place`() {
    for buffer in [1, 5, 32, 200] {
      let order = BufferedOrder(
        seed: 2, epoch: 1, runs: Array(repeating: 10, count: 30), buffer: buffer)
      let places = order.indices.map { order.place(of: $0) }
      #expect(places.sorted() == Array(0..<300))
      #expect(places.enumerated().allSatisfy { abs($0 - $1) < buffer })
      #expect((places == Array(0..<300)) == (buffer == 1))
    }
  }

  /// So that reading is nearly sequential: no more shards are open than a window touches.
  @Test func `shards come one after the other`() {
    let (size, buffer) = (50, 120)
    let order = BufferedOrder(
      seed: 8, epoch: 4, runs: Array(repeating: size, count: 40), buffer: buffer)
    let shards = order.map { $0 / size }
    var first: [Int: Int] = [:]
    var last: [Int: Int] = [:]
    for (position, shard) in shards.enumerated() {
      first[shard] = first[shard] ?? position
      last[shard] = position
    }
    for shard in 0..<40 {
      let stay = (last[shard] ?? 0) - (first[shard] ?? 0)
      #expect(stay < size + 2 * buffer)
    }
    let beginnings = first.sorted { $0.value < $1.value }.map(\.key)
    #expect(beginnings != Array(0..<40))
    // Unmixed, a shard is read from its beginning to its end.
    let unmixed = BufferedOrder(
      seed: 8, epoch: 4, runs: Array(repeating: size, count: 40), buffer: 1)
    for start in stride(from: 0, to: 2000, by: size) {
      let image = unmixed[start]
      #expect(image % size == 0)
      #expect((0..<size).allSatisfy { unmixed[start + $0] == image + $0 })
    }
  }

  @Test func `seed and epoch choose it`() {
    func order(seed: UInt64 = 1, epoch: Int = 0, buffer: Int = 16) -> [Int] {
      Array(BufferedOrder(seed: seed, epoch: epoch, runs: Self.runs(200, seed: 0), buffer: buffer))
    }
    #expect(order() == order())
    #expect(order() != order(epoch: 1))
    #expect(order() != order(seed: 2))
    #expect(order() != order(buffer: 17))
  }

  /// With fixed windows the same images would meet in every epoch of a set in one piece.
  @Test func `other images meet in another epoch`() {
    var neighbours: Set<Set<Int>> = []
    for epoch in 0..<50 {
      let order = BufferedOrder(seed: 1, epoch: epoch, runs: [64], buffer: 16)
      let place = order.firstIndex(of: 20) ?? 0
      for other in [place - 1, place + 1] where order.indices.contains(other) {
        neighbours.insert([20, order[other]])
      }
    }
    #expect(neighbours.count > 20)
  }

  @Test func `a buffer for the whole set mixes all of it`() {
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<6000 {
      let order = BufferedOrder(seed: 9, epoch: epoch, runs: [1, 2], buffer: 3)
      counts[Array(order), default: 0] += 1
    }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { (800...1200).contains($0) }, "\(counts.values.sorted())")
  }

  @Test func `loaders go on exactly and show every image once an epoch`() throws {
    let sets = try PhotoSets(count: 24)
    #expect(sets.shards.layout == DatasetLayout(runs: [5, 5, 5, 5, 4]))
    #expect(sets.folder.layout == DatasetLayout(runs: [24]))
    for set in sets.both {
      for shuffle in [Sampling.Shuffle.buffered(7), .none] {
        var checker = LoaderChecker(set)
        checker.sampling = Sampling(shuffle: shuffle)
        try checker.checkResuming(steps: 13, workers: [3])
        let epochs = try (0..<2).map { epoch in
          try (0..<2).flatMap { rank in
            try checker.batches(epoch * 3..<(epoch + 1) * 3, rank: DataParallelRank(rank, of: 2))
              .flatMap(\.indices)
          }
        }
        #expect(epochs.allSatisfy { $0.sorted() == Array(0..<24) })
        #expect((epochs[0] == epochs[1]) == (shuffle == .none))
        if shuffle == .none {
          #expect(try checker.batches(0..<6).flatMap(\.indices) == Array(0..<24))
        }
      }
    }
  }

  /// What does not fill a step must not be the same images in every epoch.
  @Test func `in its own order a set is gone through over and over`() throws {
    var checker = LoaderChecker(SyntheticDataset(count: 7))
    checker.sampling = Sampling(shuffle: .none)
    let indices = try checker.batches(0..<7).flatMap(\.indices)
    #expect(indices == (0..<28).map { $0 % 7 })
    try checker.checkResuming(steps: 6, ranks: 2, workers: [2])
    checker.batch = 10
    #expect(try checker.batches(0..<2).flatMap(\.indices) == (0..<20).map { $0 % 7 })
  }

  @Test func `an epoch is a whole number of steps`() throws {
    let set = SyntheticDataset(count: 23)
    var checker = LoaderChecker(set)
    checker.sampling = Sampling(accumulation: 3)
    // Five batches fit, and only three make a step: so three batches are an epoch.
    #expect(checker.loader().stepsPerEpoch == 1)
    let batches = try checker.batches(0..<6).map(\.indices)
    #expect(Set(batches[..<3].joined()).count == 12)
    #expect(Set(batches[3...].joined()).count == 12)
    #expect(Set(batches.joined()).count > 12)
  }
}
