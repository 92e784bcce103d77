public import MaskedAutoencoders
public import Torch

// B batch, R × S patches, W side of a window, M = ⌈R/W⌉·⌈S/W⌉ windows of an image, D width.

/// The windows that an image's patches are divided into.
public struct Windows: Hashable, Sendable {
  /// The patches of an image.
  public let grid: PatchGrid
  /// The side of a window in patches.
  public let side: Int

  /// Divides a grid; places of zeros are added at the right and below until windows fill it.
  public init(of grid: PatchGrid, side: Int) {
    self.grid = grid
    self.side = side
  }

  /// Windows from top to bottom and from left to right.
  public var count: PatchGrid {
    PatchGrid(rows: (grid.rows + side - 1) / side, columns: (grid.columns + side - 1) / side)
  }

  /// The patches of windows: `[B, R·S, D]` → `[B·M, W·W, D]`. Places that were added hold zeros and
  /// take part as any other (ViTDet).
  public func divided(_ x: Tensor) -> Tensor {
    let (batch, width, count) = (x.shape[0], x.shape[2], count)
    var x = x.reshaped([batch, grid.rows, grid.columns, width])
    let (below, right) = (
      count.rows * side - grid.rows, count.columns * side - grid.columns
    )
    if below > 0 || right > 0 { x = x.padded([0, 0, 0, right, 0, below]) }
    return x.reshaped([batch, count.rows, side, count.columns, side, width])
      .permuted([0, 1, 3, 2, 4, 5])  // [B, rows, W, columns, W, D] → [B, rows, columns, W, W, D]
      .reshaped([batch * count.count, side * side, width])
  }

  /// The image's patches again, without the added places: `[B·M, W·W, D]` → `[B, R·S, D]`.
  public func joined(_ x: Tensor) -> Tensor {
    let (count, width) = (count, x.shape[2])
    let batch = x.shape[0] / count.count
    return x.reshaped([batch, count.rows, count.columns, side, side, width])
      .permuted([0, 1, 3, 2, 4, 5])
      .reshaped([batch, count.rows * side, count.columns * side, width])
      .narrowed(1, to: 0..<grid.rows).narrowed(2, to: 0..<grid.columns)
      .reshaped([batch, grid.count, width])
  }
}
