public import Torch
import TorchNN

// B batch, A all images of all ranks, D width.

/// How far queries are from telling their own keys from those of the other images (InfoNCE, van den
/// Oord et al., 2018; Chen et al., 2021, Algorithm 1 `ctr`): `2τ` times the cross-entropy of the
/// cosines over `τ`, a scalar.
///
/// Where several processes share a batch, the keys are those of all of them; the mean of their
/// losses is the loss of the whole batch.
///
/// - Parameters:
///   - queries: `[B, D]`, of one view of each image; a gradient is followed.
///   - keys: `[B, D]`, of the other view, in the same order; no gradient is followed.
///   - temperature: `τ`, 0.2 in the paper.
public func contrastiveLoss(_ queries: Tensor, _ keys: Tensor, temperature: Double) -> Tensor {
  let own = queries.shape[0]
  let all = SharedBatch.gathered(normalized(keys.detached().to(.float32)))  // [A, D]
  let cosines = normalized(queries.to(.float32)).matmul(all.transposed(0, 1))  // [B, A]
  let first = SharedBatch.rank * own
  let labels = Tensor.arange(first..<first + own, device: queries.device)
  return (cosines / temperature).crossEntropy(with: labels) * (2 * temperature)
}

/// Rows of length 1, as PyTorch's `normalize`: `[B, D]` → `[B, D]`.
private func normalized(_ rows: Tensor) -> Tensor {
  rows / rows.norm(along: 1, keepingDimensions: true).clamped(atLeast: 1e-12)
}
