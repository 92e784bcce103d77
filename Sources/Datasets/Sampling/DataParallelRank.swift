/// Which of several processes this one is, that train one model together, each on its part of every
/// batch.
///
/// The images of a batch, their order and everything that is drawn for them follow from their rows
/// in the whole batch. So the number of processes is no part of a run: two processes see together
/// what one sees.
public struct DataParallelRank: Hashable, Sendable, CustomStringConvertible {
  /// The number of this process, from 0.
  public let index: Int
  /// The number of all processes.
  public let count: Int
  /// The number of those on this host, which share its disk.
  public let onHost: Int

  /// Creates a place among processes.
  ///
  /// - Precondition: `index` is one of `0 ..< count`.
  public init(_ index: Int, of count: Int, onHost: Int = 1) {
    precondition(count >= 1 && (0..<count).contains(index), "rank \(index) of \(count)")
    self.index = index
    self.count = count
    self.onHost = max(1, onHost)
  }

  /// One process that trains alone.
  public static let single = DataParallelRank(0, of: 1)

  /// `0 of 2`.
  public var description: String { "\(index) of \(count)" }

  /// The rows of a batch that are this process's.
  ///
  /// Where the batch has an even number for each process, half of them lie as far from its start as
  /// the other half from its end. Mixing, which pairs row `i` with row `B − 1 − i`, then finds an
  /// image's partner on the same process.
  ///
  /// - Parameter batch: Images of all processes, a multiple of ``count``.
  public func share(of batch: Int) -> BatchShare {
    precondition(batch % count == 0, "a batch of \(batch) for \(count) processes")
    let own = batch / count
    guard own % 2 == 0 else {
      return BatchShare(total: batch, rows: Array(own * index..<own * (index + 1)))
    }
    let half = own / 2
    let start = half * index
    return BatchShare(
      total: batch,
      rows: Array(start..<start + half) + Array(batch - start - half..<batch - start))
  }
}

/// The rows of a batch that one process has.
public struct BatchShare: Hashable, Sendable {
  /// Images of the whole batch.
  public let total: Int
  /// Their numbers in it that are here, ascending.
  public let rows: [Int]

  /// Names rows of a batch.
  public init(total: Int, rows: [Int]) {
    self.total = total
    self.rows = rows
  }

  /// A batch that is here as a whole.
  public static func whole(_ total: Int) -> BatchShare {
    BatchShare(total: total, rows: Array(0..<total))
  }

  /// Whether all of the batch is here.
  public var isWhole: Bool { rows.count == total }
  /// Whether the partner of each row, its mirror image in the batch, is here as well.
  public var isMirrored: Bool { zip(rows, rows.reversed()).allSatisfy { $0 + $1 == total - 1 } }
}
