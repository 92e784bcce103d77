public import MaskedAutoencoders
public import Torch

// N positions, D width, P patch side, C channels.

/// Learned or fixed positions for another grid of patches: `[1, 1 + N, D]` → `[1, 1 + N′, D]`.
///
/// Each of the `D` values is a picture of the grid and is interpolated as one, bicubically, with
/// averaging where the grid shrinks (Dosovitskiy et al., 2021, §3.2; filter and borders as timm's
/// `resample_abs_pos_embed`). The class token's row stays as it is.
///
/// - Precondition: `table` is `[1, 1 + grid.count, D]`.
public func resampledPositions(
  _ table: Tensor, from grid: PatchGrid, to target: PatchGrid
) -> Tensor {
  let (places, width) = (table.shape[1], table.shape[2])
  precondition(places == 1 + grid.count, "\(places) positions are no class token and \(grid)")
  if grid == target { return table }
  let pictures = table[.all, 1..<places].to(.float32)
    .reshaped([1, grid.rows, grid.columns, width]).permuted([0, 3, 1, 2])  // [1, D, rows, columns]
  let patches = pictures.interpolated(rows: target.rows, columns: target.columns, mode: .bicubic)
    .permuted([0, 2, 3, 1]).reshaped([1, target.count, width])
  return concatenated([table[.all, 0..<1], patches.to(table.dtype)], along: 1)
}

/// Kernels of a patch embedding for patches of another side: `[D, C, P, P]` → `[D, C, P′, P′]`.
///
/// The new kernel is the one whose answer to a resized patch is nearest the old one's to the patch
/// itself: the old kernel times the pseudo-inverse of the bicubic resizing (Beyer et al., 2023,
/// “FlexiViT”, §3.4; as timm's `resample_patch_embed`, in double precision). Where patches grow,
/// the two answers are equal.
public func resampledPatchKernels(_ kernels: Tensor, side: Int) -> Tensor {
  let old = kernels.shape[3]
  if side == old { return kernels }
  // Rows and columns are resized alike and apart, and so are the pseudo-inverses: the
  // two-dimensional resizing is the Kronecker product of the one-dimensional with itself.
  let resizing = identity(old).reshaped([old, 1, 1, old])
    .interpolated(rows: 1, columns: side, mode: .bicubic).reshaped([old, side])
  let inverse = resizing.transposed(0, 1).pseudoInverse(tolerance: 1e-5)  // [P, P′]
  return inverse.transposed(0, 1).matmul(kernels.to(.cpu).to(.float64)).matmul(inverse)
    .to(kernels.dtype).to(kernels.device)
}

/// Kernels of a patch embedding for another number of channels: `[D, C, P, P]` → `[D, C′, P, P]`.
///
/// One channel gets the sum of all kernels, as though it were shown to each. More or fewer get the
/// kernels in turn, scaled by `C / C′` so that the answer stays as large (as timm's
/// `adapt_input_conv`).
public func adaptedPatchKernels(_ kernels: Tensor, channels: Int) -> Tensor {
  let old = kernels.shape[1]
  if channels == old { return kernels }
  let exact = kernels.to(.float32)
  let adapted =
    channels == 1
    ? exact.sum([1], keepingDimensions: true)
    : stacked((0..<channels).map { exact.selected($0 % old, along: 1) }, along: 1)
      * (Double(old) / Double(channels))
  return adapted.to(kernels.dtype)
}

/// `[N, N]` with ones on the diagonal, in double precision.
private func identity(_ size: Int) -> Tensor {
  var values = [Double](repeating: 0, count: size * size)
  for i in 0..<size { values[i * size + i] = 1 }
  return Tensor(values, shape: [size, size])
}
