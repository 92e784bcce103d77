public import Torch

/// Whole channels of some images left out, the others scaled so that the mean stays the same
/// (Tompson et al., 2015; PyTorch's `Dropout2d`): `[B, C, H, W]` → `[B, C, H, W]`.
///
/// - Parameters:
///   - rate: The probability that a channel is left out.
///   - generator: Draws, on the CPU; nil outside of training, when nothing is left out.
public func channelDropout(_ x: Tensor, rate: Double, using generator: Generator?) -> Tensor {
  guard let generator, rate > 0 else { return x }
  let shape = Array(x.shape.prefix(2)) + [Int](repeating: 1, count: x.rank - 2)
  let kept = Tensor.rand(shape, using: generator) .< (1 - rate)
  return x * (kept.to(.float32) * (1 / (1 - rate))).to(x.dtype).to(x.device)
}
