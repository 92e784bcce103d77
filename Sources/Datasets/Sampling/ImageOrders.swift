import Imaging
import Synchronization

/// The order of the images in any epoch of one part of a set; orders that take time to make are
/// kept while they are used.
struct ImageOrders: Sendable {
  /// Images of the part.
  let count: Int
  private let seed: UInt64
  private let shuffle: Sampling.Shuffle
  private let runs: [Int]
  private let made = BufferedOrders()

  init(seed: UInt64, shuffle: Sampling.Shuffle, runs: [Int]) {
    self.seed = seed
    self.shuffle = shuffle
    self.runs = runs
    count = runs.reduce(0, +)
  }

  /// The image at a place of an epoch.
  func image(epoch: Int, place: Int) -> Int {
    switch shuffle {
    case .none: place
    case .exact, .lanes: EpochOrder(seed: seed, epoch: epoch, count: count)[place]
    case .buffered(let size):
      made.order(of: epoch) {
        BufferedOrder(seed: seed, epoch: epoch, runs: runs, buffer: size)
      }[place]
    }
  }
}

/// The buffered orders of the epochs that workers are in: two where one of them is ahead.
final class BufferedOrders: Sendable {
  private let kept = Mutex<[(epoch: Int, order: BufferedOrder)]>([])

  func order(of epoch: Int, making make: () -> BufferedOrder) -> BufferedOrder {
    func find(_ kept: [(epoch: Int, order: BufferedOrder)]) -> BufferedOrder? {
      kept.first { $0.epoch == epoch }?.order
    }
    if let order = kept.withLock({ find($0) }) { return order }
    // Without the lock: two workers may make the same one.
    let order = make()
    kept.withLock { kept in
      guard find(kept) == nil else { return }
      if kept.count == 2 { kept.removeFirst() }
      kept.append((epoch, order))
    }
    return order
  }
}
