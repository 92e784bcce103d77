import Imaging
import Testing

@testable import Datasets

@Suite struct LaneOrderTests {
  /// The rows of a batch that process `rank` of `ranks` has where partners of mixing are together:
  /// some from its start, and their mirror images.
  private func rows(of batch: Int, rank: Int, ranks: Int) -> [Int] {
    DataParallelRank(rank, of: ranks).share(of: batch).rows
  }

  private func order(
    _ runs: [Int], lanes: Int, batch: Int, buffer: Int = 8, seed: UInt64 = 1
  ) -> LaneOrder {
    LaneOrder(seed: seed, runs: runs, lanes: lanes, buffer: buffer, batch: batch)
  }

  /// Images of an epoch in the order of the rows.
  private func images(_ order: LaneOrder, epoch: Int, batches: Int) -> [Int] {
    (0..<batches * order.batch).map { drawn in
      let place = order.place(drawn: drawn)
      return order.image(epoch: epoch, lane: place.lane, position: place.position)
    }
  }

  @Test func `every image is shown once an epoch, in another order in the next`() {
    for (runs, lanes) in [
      ([96], 4), ([48], 1), ([40, 8, 0, 32, 16], 4), ([Int](repeating: 8, count: 12), 8),
      ([1, 2, 93], 3),
    ] {
      let count = runs.reduce(0, +)
      let order = order(runs, lanes: lanes, batch: 2 * lanes)
      let epochs = (0..<3).map { images(order, epoch: $0, batches: count / (2 * lanes)) }
      for epoch in epochs { #expect(epoch.sorted() == Array(0..<count), "\(runs)") }
      #expect(Set(epochs).count == 3)
      #expect(images(order, epoch: 1, batches: 2) == Array(epochs[1].prefix(4 * lanes)))
    }
  }

  @Test func `an epoch that does not come out even shows no image twice`() {
    let order = order([7, 30, 0, 12, 52], lanes: 6, batch: 24)
    let epochs = (0..<40).map { images(order, epoch: $0, batches: 4) }
    for epoch in epochs { #expect(Set(epoch).count == 96) }
    // What is left out is another image in another epoch.
    #expect(Set(epochs.joined()).count == 101)
  }

  @Test(arguments: [1, 2, 4, 8])
  func `a process reads its lanes and no others`(_ ranks: Int) {
    let (lanes, batch) = (8, 48)
    let order = order([Int](repeating: 12, count: 40), lanes: lanes, batch: batch)
    var read: [Set<Int>] = []
    for rank in 0..<ranks {
      let rows = rows(of: batch, rank: rank, ranks: ranks)
      let own = Set(rows.map(order.lane(of:)))
      #expect(own == Set((0..<lanes).filter { $0 * ranks / lanes == rank }))
      for row in rows { #expect(order.place(drawn: 3 * batch + row).lane == order.lane(of: row)) }
      let images = (0..<2).flatMap { epoch in
        (0..<10).flatMap { batchNumber in
          rows.map { row in
            let place = order.place(drawn: batchNumber * batch + row)
            return order.image(epoch: epoch, lane: place.lane, position: place.position)
          }
        }
      }
      read.append(Set(images))
    }
    // The same part of the set in both epochs; together all of it.
    #expect(read.allSatisfy { $0.count == 480 / ranks })
    #expect(read.reduce(Set()) { $0.union($1) }.count == 480)
    // Shards but those at the lanes' edges have one reader.
    let shared = (0..<40).filter { shard in
      read.count { !$0.isDisjoint(with: shard * 12..<(shard + 1) * 12) } > 1
    }
    #expect(shared.count < ranks)
  }

  @Test func `seed and lanes choose it, and a buffer mixes a lane`() {
    let runs = [Int](repeating: 16, count: 8)
    func first(lanes: Int = 2, buffer: Int = 8, seed: UInt64 = 1) -> [Int] {
      images(order(runs, lanes: lanes, batch: 16, buffer: buffer, seed: seed), epoch: 0, batches: 8)
    }
    #expect(first() == first())
    #expect(first() != first(lanes: 4) && first() != first(buffer: 64) && first() != first(seed: 2))
    // Unmixed, a lane goes through its shards one after the other.
    let unmixed = order(runs, lanes: 2, batch: 16, buffer: 1)
    let lane = (0..<64).map { unmixed.image(epoch: 0, lane: 0, position: $0) }
    for start in stride(from: 0, to: 64, by: 16) {
      #expect(lane[start..<start + 16].elementsEqual(lane[start]..<lane[start] + 16))
    }
  }

  @Test func `loaders go on exactly and show every image once`() throws {
    let sets = try PhotoSets(count: 24)
    for set in sets.both {
      var checker = LoaderChecker(set)
      checker.sampling = Sampling(shuffle: .lanes(count: 2, buffer: 5))
      try checker.checkResuming(steps: 13, workers: [3])
      let epochs = try (0..<2).map { epoch in
        try checker.batches(epoch * 6..<(epoch + 1) * 6).flatMap(\.indices)
      }
      #expect(epochs.allSatisfy { $0.sorted() == Array(0..<24) } && epochs[0] != epochs[1])
      // Twice in a row, and in two epochs all of them.
      checker.sampling = Sampling(shuffle: .lanes(count: 1, buffer: 5), repeats: 2)
      let repeated = try checker.batches(0..<12).flatMap(\.indices)
      #expect(stride(from: 0, to: 48, by: 2).allSatisfy { repeated[$0] == repeated[$0 + 1] })
      #expect(repeated.sorted() == (0..<48).map { $0 / 2 })
    }
    // A set smaller than a step is repeated, and one with fewer images than lanes shuffled exactly.
    var small = LoaderChecker(SyntheticDataset(count: 3))
    small.sampling = Sampling(shuffle: .lanes(count: 2, buffer: 5))
    #expect(Set(try small.batches(0..<1)[0].indices).count == 3)
    small.sampling = Sampling(shuffle: .lanes(count: 64, buffer: 5))
    #expect(Set(try small.batches(0..<1)[0].indices).count == 3)
  }

  @Test func `processes see together what one sees, each its part of the set in every epoch`()
    throws
  {
    var checker = LoaderChecker(SyntheticDataset(count: 48))
    checker.batch = 16
    checker.sampling = Sampling(shuffle: .lanes(count: 4, buffer: 3))
    let whole = try checker.batches(0..<6)
    for ranks in [2, 4] {
      // The checker's batch is that of one process.
      checker.batch = 16 / ranks
      var read: [Set<Int>] = []
      for rank in 0..<ranks {
        let rows = rows(of: 16, rank: rank, ranks: ranks)
        let own = try checker.batches(0..<6, rank: DataParallelRank(rank, of: ranks))
        for (one, all) in zip(own, whole) { #expect(one.indices == rows.map { all.indices[$0] }) }
        let epochs = [own[..<3], own[3...]].map { Set($0.flatMap(\.indices)) }
        #expect(epochs[0] == epochs[1] && epochs[0].count == 48 / ranks)
        read.append(epochs[0])
        let plan = TrainingPlan(
          checker.dataset.layout, checker.sampling, batch: 16, seed: checker.seed,
          rank: DataParallelRank(rank, of: ranks))
        #expect(Set(plan.ownImages?.joined() ?? [].joined()) == epochs[0])
      }
      #expect(read.reduce(Set()) { $0.union($1) }.count == 48)
    }
  }

  @Test func `a broken image is replaced by the next of its lane`() throws {
    var checker = LoaderChecker(SyntheticDataset(count: 24))
    checker.sampling = Sampling(shuffle: .lanes(count: 2, buffer: 6))
    let whole = try checker.batches(0..<6).map(\.indices)
    let broken = whole[2][1]
    checker.dataset = SyntheticDataset(count: 24, broken: [broken])
    let replaced = try checker.batches(0..<6).map(\.indices)
    let order = LaneOrder(seed: checker.seed, runs: [24], lanes: 2, buffer: 6, batch: 4)
    let place = order.place(drawn: 9)
    #expect(order.image(epoch: 0, lane: place.lane, position: place.position) == broken)
    #expect(
      replaced[2][1]
        == order.image(
          epoch: 0, lane: place.lane,
          position: (place.position + 1) % order.count(of: place.lane)))
    for number in 0..<6 where number != 2 { #expect(replaced[number] == whole[number]) }
  }

  @Test func `layouts are told apart by their shards`() {
    let lanes = Sampling(shuffle: .lanes(count: 2, buffer: 4))
    #expect(
      DatasetLayout(runs: [4, 4]).fingerprint(for: lanes)
        != DatasetLayout(runs: [3, 5]).fingerprint(for: lanes))
  }
}
