public import MaskedAutoencoders
public import Torch

/// One oval spot hidden at a random place, as large as the ratio asks.
public struct SpotMasking: MaskingStrategy {
  public static let name = "spot"
  /// The share of patches that is hidden.
  public var ratio = 0.75
  /// The spot's height over its width, in patches.
  public var elongation = 1.0

  /// Hides 75 % of the patches under a round spot.
  public init() {}

  public func withRatio(_ ratio: Double) -> SpotMasking? {
    var other = self
    other.ratio = ratio
    return other
  }

  public func problems(on grid: PatchGrid?) -> [(path: String, message: String)] {
    guard elongation > 0 else {
      return [("elongation", "is \(elongation); expected a number above 0")]
    }
    return ratioProblems(on: grid)
  }

  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    let rows = Tensor((0..<grid.count).map { Float($0 / grid.columns) })  // [N]
    let columns = Tensor((0..<grid.count).map { Float($0 % grid.columns) })
    let place = Tensor.rand([batch, 2], using: generator)
    let down = rows - place.narrowed(1, to: 0..<1) * Double(grid.rows)  // [B, N]
    let right = columns - place.narrowed(1, to: 1..<2) * Double(grid.columns)
    return PatchMask(
      noise: -((down * (1 / elongation)).squared() + right.squared()), keeping: kept(of: grid))
  }
}
