import MaskedAutoencoders
import Torch

/// Whole columns of patches, drawn for each image.
struct ColumnMasking: MaskingStrategy {
  static let name = "columns"
  /// The share of columns that is hidden.
  var ratio = 0.75

  func withRatio(_ ratio: Double) -> ColumnMasking? {
    ColumnMasking(ratio: ratio)
  }

  /// Whole columns: `columns·(1 − ratio)`, rounded down, of `rows` patches each.
  func kept(of grid: PatchGrid) -> Int {
    Int(Double(grid.columns) * (1 - ratio)) * grid.rows
  }

  func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    // One number for each column, the same in all its rows: the smallest stay visible.
    let columns = Tensor.rand([batch, 1, grid.columns], using: generator)
    let noise = columns + Tensor.zeros([batch, grid.rows, 1])
    return PatchMask(noise: noise.reshaped([batch, grid.count]), keeping: kept(of: grid))
  }
}
