import Testing

@testable import Datasets

@Suite struct EpochOrderTests {
  @Test func `every order is a permutation`() {
    for count in Array(0...70) + [255, 256, 257, 999, 10_007] {
      let order = EpochOrder(seed: 5, epoch: 3, count: count)
      #expect(Array(order).sorted() == Array(0..<count))
    }
  }

  @Test func `seed and epoch choose it`() {
    let order = Array(EpochOrder(seed: 1, epoch: 0, count: 100))
    #expect(order == Array(EpochOrder(seed: 1, epoch: 0, count: 100)))
    #expect(order != Array(EpochOrder(seed: 1, epoch: 1, count: 100)))
    #expect(order != Array(EpochOrder(seed: 2, epoch: 0, count: 100)))
    #expect(order != Array(0..<100))
  }

  @Test func `all orders of four are as likely`() {
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<24_000 {
      counts[Array(EpochOrder(seed: 9, epoch: epoch, count: 4)), default: 0] += 1
    }
    #expect(counts.count == 24)
    #expect(counts.values.allSatisfy { (800...1200).contains($0) }, "\(counts.values.sorted())")
  }

  @Test func `neighbours are parted`() {
    // Positions and the numbers there are uncorrelated, and so are numbers one apart.
    let count = 10_000
    let order = EpochOrder(seed: 4, epoch: 0, count: count)
    let mean = Double(count - 1) / 2
    let variance = Double(count * count - 1) / 12
    for shift in [0, 1, 7] {
      let covariance =
        (0..<count).map { i in
          let other = shift == 0 ? i : order[(i + shift) % count]
          return (Double(order[i]) - mean) * (Double(other) - mean)
        }.reduce(0, +) / Double(count)
      #expect(abs(covariance / variance) < 0.04, "shift \(shift)")
    }
  }

  @Test func `huge orders need no list`() {
    let order = EpochOrder(seed: 4, epoch: 0, count: 1 << 40)
    #expect(Set((0..<1000).map { order[$0] }).count == 1000)
  }
}
