public import Torch

/// A rule that chooses the patches the encoder sees; every image of a batch keeps as many.
public protocol MaskingStrategy: Hashable, Sendable {
  /// Draws a mask.
  func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask
}

/// Patches hidden uniformly at random, without replacement (§3 “Masking”).
public struct RandomMasking: MaskingStrategy {
  /// The share of patches that is hidden; 0.75 in the paper.
  public let ratio: Double

  /// Hides `ratio` of the patches.
  public init(ratio: Double = 0.75) { self.ratio = ratio }

  /// Visible patches of a grid: `N·(1 − ratio)`, rounded down as the published code does.
  public func kept(of grid: PatchGrid) -> Int { Int(Double(grid.count) * (1 - ratio)) }

  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    PatchMask(
      noise: Tensor.rand([batch, grid.count], using: generator), keeping: kept(of: grid))
  }
}
