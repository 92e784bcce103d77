public import Torch

/// Patches hidden uniformly at random, without replacement (§3 “Masking”).
public struct RandomMasking: MaskingStrategy {
  public static let name = "random"
  /// The share of patches that is hidden; 0.75 in the paper.
  public var ratio = 0.75

  /// Hides 75 % of the patches, as the paper does.
  public init() {}

  /// Hides `ratio` of the patches.
  public init(ratio: Double) { self.ratio = ratio }

  public func withRatio(_ ratio: Double) -> RandomMasking? { RandomMasking(ratio: ratio) }

  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    PatchMask(
      noise: Tensor.rand([batch, grid.count], using: generator), keeping: kept(of: grid))
  }
}
