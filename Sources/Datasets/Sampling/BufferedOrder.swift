import Imaging

/// The order of one epoch as a stream has it that passes through a shuffle buffer: shards one after
/// the other in random order, and their images mixed within windows of the buffer's size.
///
/// Windows begin at a random place in every epoch, so that other images meet. An image comes less
/// than a buffer from where the unmixed stream has it. Memory: a few words for each shard.
public struct BufferedOrder: RandomAccessCollection, Sendable {
  /// Images of the set.
  public let count: Int
  private let buffer: Int
  private let seed: UInt64
  /// Images of the first window; 0 where it is a whole one.
  private let phase: Int
  /// For each shard in the order of the stream: the number of its first image in the set, and the
  /// place in the stream where it ends.
  private let firsts: [Int]
  private let ends: [Int]

  /// Creates the order of an epoch.
  ///
  /// - Parameter runs: the numbers of images in the shards.
  public init(seed: UInt64, epoch: Int, runs: [Int], buffer: Int) {
    precondition(buffer >= 1, "a buffer of \(buffer) images")
    let count = runs.reduce(0, +)
    let runs = runs.count > 1 ? runs : Self.pieces(of: count, each: buffer)
    self.count = count
    self.buffer = buffer
    // Other numbers than the exact order draws from the same seed.
    var random = SampleRandom(seed: seed, epoch: epoch, sample: -2)
    self.seed = random.next()
    phase = count > buffer ? random.integer(below: buffer) : 0
    var starts: [Int] = []
    starts.reserveCapacity(runs.count)
    var start = 0
    for run in runs {
      starts.append(start)
      start += run
    }
    var firsts: [Int] = []
    var ends: [Int] = []
    firsts.reserveCapacity(runs.count)
    ends.reserveCapacity(runs.count)
    var end = 0
    for shard in EpochOrder(seed: random.next(), epoch: 0, count: runs.count) {
      end += runs[shard]
      firsts.append(starts[shard])
      ends.append(end)
    }
    self.firsts = firsts
    self.ends = ends
  }

  static func pieces(of count: Int, each size: Int) -> [Int] {
    stride(from: 0, to: count, by: size).map { Swift.min(size, count - $0) }
  }

  /// 0.
  public var startIndex: Int { 0 }
  /// The number of images.
  public var endIndex: Int { count }

  /// The image at a position.
  ///
  /// - Complexity: O(log shards) on average.
  public subscript(position: Int) -> Int {
    image(atPlace: place(of: position))
  }

  /// Where the unmixed stream has the image that comes at a position.
  func place(of position: Int) -> Int {
    precondition(position >= 0 && position < count, "position \(position) of \(count)")
    let window: Int
    var first = 0
    var end = Swift.min(phase, count)
    if position < phase {
      window = 0
    } else {
      window = 1 + (position - phase) / buffer
      first = phase + (window - 1) * buffer
      end = Swift.min(first + buffer, count)
    }
    let order = EpochOrder(seed: seed, epoch: window, count: end - first)
    return first + order[position - first]
  }

  /// The image at a place of the unmixed stream.
  private func image(atPlace place: Int) -> Int {
    // The first shard that ends behind it; empty ones end where they begin.
    var low = 0
    var high = ends.count - 1
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > place { high = middle } else { low = middle + 1 }
    }
    let start = low == 0 ? 0 : ends[low - 1]
    return firsts[low] + place - start
  }
}
