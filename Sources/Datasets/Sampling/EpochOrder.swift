import Imaging

/// The order of one epoch: a permutation of `0 ..< count` that needs no memory, chosen by seed and
/// epoch.
///
/// A generalised Feistel network over a grid that just holds `count` numbers; what falls outside
/// is encrypted again until it falls inside (Black and Rogaway, 2002).
public struct EpochOrder: RandomAccessCollection, Sendable {
  /// Numbers that are put in order.
  public let count: Int
  private let rows: UInt64
  private let columns: UInt64
  private let keys: [UInt64]

  private static let rounds = 8

  /// Creates the order of an epoch.
  public init(seed: UInt64, epoch: Int, count: Int) {
    precondition(count >= 0, "an order of \(count) numbers")
    self.count = count
    var rows = UInt64(Double(count).squareRoot())
    while rows * rows < UInt64(count) { rows += 1 }
    self.rows = Swift.max(rows, 1)
    columns = Swift.max((UInt64(count) + self.rows - 1) / self.rows, 1)
    var random = SampleRandom(seed: seed, epoch: epoch, sample: -1)
    keys = (0..<Self.rounds).map { _ in random.next() }
  }

  /// 0.
  public var startIndex: Int { 0 }
  /// `count`.
  public var endIndex: Int { count }

  /// The number at a position.
  ///
  /// - Complexity: O(1) on average.
  public subscript(position: Int) -> Int {
    precondition(position >= 0 && position < count, "position \(position) of \(count)")
    var x = UInt64(position)
    repeat { x = permuted(x) } while x >= UInt64(count)
    return Int(x)
  }

  /// A permutation of `0 ..< rows × columns`.
  private func permuted(_ x: UInt64) -> UInt64 {
    var (row, column) = (x / columns, x % columns)
    for round in stride(from: 0, to: Self.rounds, by: 2) {
      row = (row + share(of: rows, mixed(column ^ keys[round]))) % rows
      column = (column + share(of: columns, mixed(row ^ keys[round + 1]))) % columns
    }
    return row * columns + column
  }

  /// A hash as a number below `bound`.
  private func share(of bound: UInt64, _ hash: UInt64) -> UInt64 {
    hash.multipliedFullWidth(by: bound).high
  }
}
