public import MaskedAutoencoders
public import Torch

/// One round spot hidden at a random place, as large as the ratio asks.
public struct SpotMasking: MaskingStrategy {
  /// The share of patches that is hidden.
  public let ratio: Double

  /// Hides `ratio` of the patches.
  public init(ratio: Double) { self.ratio = ratio }

  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    let rows = Tensor((0..<grid.count).map { Float($0 / grid.columns) })  // [N]
    let columns = Tensor((0..<grid.count).map { Float($0 % grid.columns) })
    let place = Tensor.rand([batch, 2], using: generator)
    let down = rows - place.narrowed(1, to: 0..<1) * Double(grid.rows)  // [B, N]
    let right = columns - place.narrowed(1, to: 1..<2) * Double(grid.columns)
    let kept = Int(Double(grid.count) * (1 - ratio))
    return PatchMask(noise: -(down.squared() + right.squared()), keeping: kept)
  }
}
