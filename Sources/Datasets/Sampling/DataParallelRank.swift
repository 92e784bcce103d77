/// Which of several processes this one is, that train one model together, each on its part of every
/// step's images.
///
/// A step of `count` processes takes `count` batches: process `index` the one with that number. The
/// images, their order and their random draws follow from the place in the step's batches counted
/// over all processes, so that two processes with a batch of 32 see what one with a batch of 64
/// sees.
public struct DataParallelRank: Hashable, Sendable, CustomStringConvertible {
  /// The number of this process, from 0.
  public let index: Int
  /// The number of all processes.
  public let count: Int

  /// Creates a place among processes.
  ///
  /// - Precondition: `index` is one of `0 ..< count`.
  public init(_ index: Int, of count: Int) {
    precondition(count >= 1 && (0..<count).contains(index), "rank \(index) of \(count)")
    self.index = index
    self.count = count
  }

  /// One process that trains alone.
  public static let single = DataParallelRank(0, of: 1)

  /// `0 of 2`.
  public var description: String { "\(index) of \(count)" }
}
