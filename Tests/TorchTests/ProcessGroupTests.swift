import Foundation
import TestSupport
import Testing
import Torch

/// Ranks as threads of this process, each with a group of its own name.
func withRanks<Output: Sendable>(
  _ count: Int, timeout: Double = 30,
  _ body: @escaping @Sendable (ProcessGroup) throws -> Output
) throws -> [Output] {
  let folder = TemporaryFolder()
  let path = folder["store"]
  let meeting = UUID().uuidString
  return try onThreads(count) { rank in
    let store = try KeyStore.file(path, count: count)
    let group = try ProcessGroup(
      store.prefixed("group"), name: "\(meeting)-\(rank)", rank: rank, count: count,
      address: .address("127.0.0.1"), timeout: timeout)
    return try body(group)
  }
}

@Suite struct ProcessGroupTests {
  @Test func `collectives combine what all ranks have`() throws {
    let results = try withRanks(3) { group in
      let own = Tensor([Double(group.rank), 10 * Double(group.rank)])
      return [
        try group.allReduce(own).array(of: Double.self),
        try group.allReduce(own, .average).array(of: Double.self),
        try group.allReduce(own, .maximum).array(of: Double.self),
        try group.allReduce(own, .minimum).array(of: Double.self),
        try group.allGather(own).array(of: Double.self),
        try group.reduceScatter(Tensor((0..<6).map { Double($0 + group.rank) }))
          .array(of: Double.self),
      ]
    }
    for (rank, result) in results.enumerated() {
      #expect(result[0] == [3, 30])
      #expect(result[1] == [1, 10])
      #expect(result[2] == [2, 20])
      #expect(result[3] == [0, 0])
      #expect(result[4] == [0, 0, 1, 10, 2, 20])
      #expect(result[5] == [Double(6 * rank + 3), Double(6 * rank + 6)])
    }
  }

  @Test func `broadcasting gives every rank the tensors of the first`() throws {
    let results = try withRanks(2) { group in
      let tensors = [Tensor([Float(group.rank), 7]), Tensor([Int(group.rank)])]
      try group.broadcast(tensors)
      try group.barrier(timeout: 20)
      return tensors[0].floats() + [Float(tensors[1].array(of: Int.self)[0])]
    }
    #expect(results == [[0, 7, 0], [0, 7, 0]])
  }

  @Test func `a sum over ranks hands its gradient to every rank`() throws {
    let results = try withRanks(2) { group in
      let x = Tensor([Double(group.rank + 1), 2])
      x.requiresGradient = true
      // Rank r weighs the sum by r + 1, so each value has the gradient 1 + 2.
      (x.summed(over: group) * Double(group.rank + 1)).sum().backward()
      return [
        x.summed(over: group).array(of: Double.self), x.gradient?.array(of: Double.self) ?? [],
      ]
    }
    #expect(results == [[[3, 4], [3, 3]], [[3, 4], [3, 3]]])
  }

  @Test func `tensors of other shapes are refused`() {
    #expect(throws: TorchError.self) {
      try withRanks(2) { group in
        try group.requireSameShapes([Tensor.zeros([2 + group.rank])])
      }
    }
  }

  @Test func `a rank that does not come ends the others after the time that was given`() throws {
    let error = #expect(throws: TorchError.self) {
      try withRanks(2, timeout: 0.5) { group in
        if group.rank == 0 { _ = try group.allReduce(Tensor([1.0])) }
        // Rank 1 stays until rank 0 has given up.
        if group.rank == 1 { Thread.sleep(forTimeInterval: 2) }
      }
    }
    #expect(error?.message.lowercased().contains("timed out") == true)
  }
}

@Suite struct GradientReducerTests {
  /// A small network, trained for a few steps on a share of each step's images.
  private static func train(
    _ group: ProcessGroup?, accumulation: Int, wire: GradientReducer.Wire = .float32
  ) throws -> (losses: [Double], weights: [Float]) {
    let generator = Generator(seed: 7)
    let layers = (0..<3).map { _ in
      [Tensor.randn([16, 16], using: generator) * 0.3, Tensor.zeros([16])]
    }.flatMap(\.self)
    for tensor in layers { tensor.requiresGradient = true }
    let reducer = try group.map {
      try GradientReducer(
        layers.enumerated().map { ("p\($0)", $1) }, over: $0, wire: wire, firstBucketBytes: 256,
        bucketBytes: 2048)
    }
    let ranks = group?.count ?? 1
    let rows = 8 / ranks
    var losses: [Double] = []
    for step in 0..<5 {
      let images = Tensor.randn(
        [8 * accumulation, 16], using: Generator(seed: 100 + UInt64(step)))
      for tensor in layers { tensor.gradient = nil }
      var sum = 0.0
      for pass in 0..<accumulation {
        let first = 8 * pass + rows * (group?.rank ?? 0)
        let x = images.narrowed(0, to: first..<first + rows)
        var y = x
        for i in stride(from: 0, to: layers.count, by: 2) {
          y = y + y.linear(layers[i], layers[i + 1]).gelu()
        }
        let loss = (y - x.flipped([1])).squared().mean() / Double(accumulation)
        if pass == accumulation - 1 { try reducer?.averageNextPass() }
        loss.backward()
        sum += loss.item()
      }
      losses.append(
        try group.map { try $0.allReduce(Tensor([sum])).item() / Double(ranks) } ?? sum)
      withoutGradients {
        for tensor in layers {
          guard let gradient = tensor.gradient else { continue }
          tensor.copy(tensor - gradient * 0.05)
        }
      }
    }
    return (losses, layers.flatMap { $0.floats() })
  }

  @Test(arguments: [(2, 1), (2, 3), (4, 1), (4, 2)])
  func `ranks that share a batch train as one process does`(ranks: Int, accumulation: Int) throws {
    let alone = try Self.train(nil, accumulation: accumulation)
    let together = try withRanks(ranks) { group in
      let result = try Self.train(group, accumulation: accumulation)
      return [result.losses, result.weights.map(Double.init)]
    }
    for rank in together {
      #expect(rank[1] == together[0][1])
      for (a, b) in zip(rank[0], alone.losses) { #expect(abs(a - b) <= 1e-6 * abs(b)) }
    }
    #expect(alone.losses[4] < alone.losses[0])
  }

  @Test func `gradients that travel as bfloat16 are close and the same on all ranks`() throws {
    let alone = try Self.train(nil, accumulation: 1)
    let together = try withRanks(2) { group in
      let result = try Self.train(group, accumulation: 1, wire: .bfloat16)
      return [result.losses, result.weights.map(Double.init)]
    }
    #expect(together[0] == together[1])
    for (a, b) in zip(together[0][0], alone.losses) { #expect(abs(a - b) <= 1e-3 * abs(b)) }
    #expect(together[0][1] != alone.weights.map(Double.init))
  }
}
