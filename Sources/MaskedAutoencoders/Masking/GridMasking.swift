public import Torch

/// Patches kept at regular distances (Table 1f, “grid-wise sampling”): at 75 % one of each 2 × 2.
///
/// Which ones are kept follows from Bayer's index matrix (Bayer, 1973), whose first quarter is one
/// place of each 2 × 2, whose first half is a checkerboard, whose first sixteenth is one place of
/// each 4 × 4, and so on: as many of its first places are kept as the ratio asks, so that those of
/// any ratio are spread evenly. The matrix is shifted by random rows and columns for each image, so
/// that every patch is seen at times; the paper does not say whether its grid is.
public struct GridMasking: MaskingStrategy {
  public static let name = "grid"
  /// The share of patches that is hidden; 0.75 in the paper.
  public var ratio = 0.75

  /// Hides 75 % of the patches.
  public init() {}

  /// Hides `ratio` of the patches.
  public init(ratio: Double) { self.ratio = ratio }

  public func withRatio(_ ratio: Double) -> GridMasking? { GridMasking(ratio: ratio) }

  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    var side = 1
    while side < max(grid.rows, grid.columns) { side *= 2 }
    let ranks = (0..<side * side).map { Self.rank(row: $0 / side, column: $0 % side, side: side) }
    let shifts: [Double] = Tensor.rand([batch, 2], using: generator, dtype: .float64).array()
    var order: [Int] = []
    order.reserveCapacity(batch * grid.count)
    for image in 0..<batch {
      let down = min(Int(shifts[2 * image] * Double(side)), side - 1)
      let right = min(Int(shifts[2 * image + 1] * Double(side)), side - 1)
      let places = (0..<grid.count).map { patch in
        let (row, column) = patch.quotientAndRemainder(dividingBy: grid.columns)
        return ranks[(row + down) % side * side + (column + right) % side]
      }
      order += places.indices.sorted { places[$0] < places[$1] }
    }
    return PatchMask(
      order: Tensor(order, shape: [batch, grid.count]), keeping: kept(of: grid))
  }

  /// The place of Bayer's matrix that comes so early: for each bit of row and column, the lowest
  /// first, two bits of the number, the highest first.
  private static func rank(row: Int, column: Int, side: Int) -> Int {
    var (row, column, bit, number) = (row, column, side / 2, 0)
    while bit > 0 {
      // 0 and 1 lie on a diagonal, then 2 and 3: half of the places are a checkerboard.
      let (r, c) = (row & 1, column & 1)
      number = number * 4 + ((r ^ c) * 2 + r)
      (row, column, bit) = (row / 2, column / 2, bit / 2)
    }
    return number
  }
}
