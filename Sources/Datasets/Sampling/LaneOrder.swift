import Imaging
import Synchronization

/// The order of a set that many processes read, each a part of it: the set, its shards in an order
/// that `seed` chooses once, is cut into lanes of equal length, and every batch takes as many images
/// of each.
///
/// Which image has which row of which batch depends on the place alone and not on the number of
/// processes. A lane's rows lie half at the start of the batch and half as far from its end, so that
/// a process which has the rows `[r·h, (r+1)·h)` and their mirror images reads the lanes `l` with
/// `⌊l·W/G⌋ = r`, of `W` processes and `G` lanes, and no others. A host then reads its part of the
/// set in every epoch, and finds it in its cache from the second one on.
///
/// In a lane the images are in a ``BufferedOrder``, another one in every epoch. Memory: a few words
/// for each shard.
struct LaneOrder: Sendable {
  /// Number of lanes, `G`.
  let lanes: Int
  /// Images of a batch, of all processes: a multiple of 2 `G`.
  let batch: Int
  private let seed: UInt64
  private let buffer: Int
  private let spans: [Span]
  private let made: [BufferedOrders]

  /// A lane's images.
  private struct Span {
    /// Images of each shard, or part of a shard.
    var runs: [Int] = []
    /// The number in the set of each run's first image.
    var firsts: [Int] = []
    /// Images of the lane before each run.
    var starts: [Int] = []
    var count = 0

    mutating func append(_ first: Int, _ run: Int) {
      guard run > 0 else { return }
      runs.append(run)
      firsts.append(first)
      starts.append(count)
      count += run
    }

    /// The number in the set of an image of the lane.
    func image(_ place: Int) -> Int {
      var low = 0
      var high = starts.count
      while high - low > 1 {
        let middle = (low + high) / 2
        if starts[middle] <= place { low = middle } else { high = middle }
      }
      return firsts[low] + place - starts[low]
    }
  }

  /// A place in the order of an epoch.
  struct Place: Hashable {
    var lane: Int
    /// How often the lane was gone through in this epoch before, in a set smaller than a step.
    var lap: Int
    /// Images of the lane before this one.
    var position: Int
  }

  /// Creates the order of a set.
  ///
  /// - Parameter runs: the numbers of images in the shards.
  /// - Precondition: every lane has an image, and every batch as many of each, in pairs.
  init(seed: UInt64, runs: [Int], lanes: Int, buffer: Int, batch: Int) {
    let count = runs.reduce(0, +)
    precondition(lanes >= 1 && count >= lanes, "\(lanes) lanes of \(count) images")
    precondition(
      batch.isMultiple(of: 2 * lanes), "a batch of \(batch) images for \(lanes) lanes")
    // A set in one piece is shuffled in small ones, so that a lane has images from all over it.
    let runs =
      runs.count > 1 ? runs : BufferedOrder.pieces(of: count, each: max(1, count / (16 * lanes)))
    self.lanes = lanes
    self.batch = batch
    self.buffer = buffer
    // Other numbers than the other orders draw from the same seed.
    var random = SampleRandom(seed: seed, sample: -3)
    let order = EpochOrder(seed: random.next(), epoch: 0, count: runs.count)
    self.seed = random.next()
    let firsts = runs.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    let ends = (1...lanes).map { count * $0 / lanes }
    var spans = [Span](repeating: Span(), count: lanes)
    var lane = 0
    var done = 0
    for shard in order {
      var (first, left) = (firsts[shard], runs[shard])
      while left > 0 {
        let taken = min(left, ends[lane] - done)
        spans[lane].append(first, taken)
        first += taken
        left -= taken
        done += taken
        if done == ends[lane] { lane += 1 }
      }
    }
    self.spans = spans
    made = spans.map { _ in BufferedOrders() }
  }

  /// The lane of a row of the batch.
  func lane(of row: Int) -> Int { min(row, batch - 1 - row) / (batch / (2 * lanes)) }

  /// The images of some lanes, in the lanes' order.
  func images(of lanes: Set<Int>) -> [Range<Int>] {
    lanes.sorted().flatMap { lane in
      zip(spans[lane].firsts, spans[lane].runs).map { $0..<$0 + $1 }
    }
  }

  /// Images of a lane.
  func count(of lane: Int) -> Int { spans[lane].count }

  /// Where the image that is the `drawn`th of an epoch comes from.
  func place(drawn: Int) -> Place {
    let (number, row) = drawn.quotientAndRemainder(dividingBy: batch)
    let half = batch / (2 * lanes)
    let pair = min(row, batch - 1 - row)
    let lane = pair / half
    let position = number * 2 * half + (row == pair ? 0 : half) + pair % half
    let (lap, rest) = position.quotientAndRemainder(dividingBy: spans[lane].count)
    return Place(lane: lane, lap: lap, position: rest)
  }

  /// The image at a place of an epoch.
  func image(epoch: Int, lane: Int, position: Int) -> Int {
    let span = spans[lane]
    let order = made[lane].order(of: epoch) {
      BufferedOrder(
        seed: mixed(seed &+ mixed(UInt64(lane))), epoch: epoch, runs: span.runs, buffer: buffer)
    }
    return span.image(order[position])
  }
}
