/// What an order of a set's images has to know besides their number: what lies together in storage,
/// and which parts are drawn from apart.
public struct DatasetLayout: Hashable, Sendable {
  /// Images that follow each other in the set and are drawn in epochs of their own.
  public struct Part: Hashable, Sendable {
    /// Images drawn from the part in every round of the mixture.
    public var draws: Int
    /// Numbers of images that lie one after the other in one file each, first to last.
    public var runs: [Int]

    /// Creates a part.
    public init(draws: Int = 1, runs: [Int]) {
      precondition(draws >= 1, "\(draws) draws a round")
      self.draws = draws
      self.runs = runs
    }

    /// Number of images.
    public var count: Int { runs.reduce(0, +) }
  }

  /// One part, or those of a weighted mixture, first to last.
  public var parts: [Part]

  /// Creates a layout.
  public init(parts: [Part]) {
    precondition(!parts.isEmpty, "a layout without parts")
    self.parts = parts
  }

  /// The layout of a set that is one part.
  public init(runs: [Int]) { self.init(parts: [Part(runs: runs)]) }

  /// Number of images.
  public var count: Int { parts.reduce(0) { $0 + $1.count } }
}

extension ImageDataset {
  /// One run: every image costs the same, whichever came before.
  public var layout: DatasetLayout { DatasetLayout(runs: [count]) }
}
