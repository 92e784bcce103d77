public import Torch

// B batch, N = R·S patches in R rows and S columns, P patch side, C channels.

/// Cuts images into patches, row by row, channel last: `[B, C, R·P, S·P]` → `[B, R·S, P·P·C]`.
public func patches(of images: Tensor, side: Int) -> Tensor {
  let shape = images.shape
  precondition(shape.count == 4, "images are [B, C, H, W], not \(shape)")
  let (rows, columns) = (shape[2] / side, shape[3] / side)
  return images.reshaped([shape[0], shape[1], rows, side, columns, side])
    .permuted([0, 2, 4, 3, 5, 1])  // [B, C, R, P, S, P] → [B, R, S, P, P, C]
    .reshaped([shape[0], rows * columns, side * side * shape[1]])
}

/// Puts patches together again: `[B, R·S, P·P·C]` → `[B, C, R·P, S·P]`.
public func images(from patches: Tensor, grid: PatchGrid, side: Int) -> Tensor {
  let shape = patches.shape
  let channels = shape[2] / (side * side)
  return patches.reshaped([shape[0], grid.rows, grid.columns, side, side, channels])
    .permuted([0, 5, 1, 3, 2, 4])  // [B, R, S, P, P, C] → [B, C, R, P, S, P]
    .reshaped([shape[0], channels, grid.rows * side, grid.columns * side])
}
