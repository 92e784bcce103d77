/// The rows and columns of patches an image is cut into; patches are numbered row by row.
public struct PatchGrid: Codable, Hashable, Sendable {
  /// Patches from top to bottom.
  public var rows: Int
  /// Patches from left to right.
  public var columns: Int

  /// Creates a grid.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// Number of patches, `N`.
  public var count: Int { rows * columns }
}
