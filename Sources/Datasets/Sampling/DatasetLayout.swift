/// How a set of images lies in storage; what an order needs to know that does not read them at
/// random.
public struct DatasetLayout: Hashable, Sendable {
  /// Numbers of images that lie one after the other in one file each, first to last.
  public var runs: [Int]

  /// Creates a layout.
  public init(runs: [Int]) { self.runs = runs }

  /// Number of images.
  public var count: Int { runs.reduce(0, +) }
}

extension ImageDataset {
  /// One run: every image costs the same, whichever came before.
  public var layout: DatasetLayout { DatasetLayout(runs: [count]) }
}
