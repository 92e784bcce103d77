public import Torch

/// How far pixels are kept from 0 and 1, whose logits are infinite (Ramesh et al., 2021, A.3).
private let margin = 0.1

/// Pixels of 0…1 as the tokenizer takes them, of 0.1…0.9 (Ramesh et al., 2021, A.3).
public func mappedPixels(_ images: Tensor) -> Tensor { images * (1 - 2 * margin) + margin }

/// The inverse of ``mappedPixels(_:)``; what lies outside of 0…1 is cut off.
public func unmappedPixels(_ values: Tensor) -> Tensor {
  ((values - margin) / (1 - 2 * margin)).clamped(to: 0...1)
}

/// The mean over pixels of minus the logarithm of their density under logit-Laplace distributions
/// (Ramesh et al., 2021, A.3, eq. 5): `log 2b + log x(1 − x) + |logit x − μ| / b`.
///
/// - Parameters:
///   - statistics: `μ` and `log b` of each pixel, `[B, 2·C, H, W]`.
///   - images: Pixels of 0…1, `[B, C, H, W]`; mapped here.
///   - minimumScale: Added to `b`; 0 as published. Where many pixels are exactly alike, such as a
///     black ground, the density has no bound and training fails without it.
public func logitLaplaceLoss(
  _ statistics: Tensor, _ images: Tensor, minimumScale: Double = 0
) -> Tensor {
  let parts = statistics.split(images.shape[1], along: 1)
  let x = mappedPixels(images)
  let rest = 1 - x
  let scale = parts[1].exp() + minimumScale
  let logScale = minimumScale > 0 ? scale.log() : parts[1]
  let distance = (x.log() - rest.log() - parts[0]).abs() / scale
  return (logScale + (x * rest * 2).log() + distance).mean()
}

/// A relaxed sample of classes (Jang et al., 2017, eq. 2; Maddison et al., 2017) along dimension 1:
/// `softmax((scores − log(−log u)) / temperature)`.
///
/// - Parameters:
///   - scores: `[B, V, …]`.
///   - uniform: Random numbers of 0…1, of the same shape.
public func gumbelSoftmax(_ scores: Tensor, uniform: Tensor, temperature: Double) -> Tensor {
  let least = Double(Float.leastNormalMagnitude)
  let exponential = -uniform.clamped(atLeast: least).log()
  let noise = -exponential.clamped(atLeast: least).log()
  return ((scores + noise) * (1 / temperature)).softmax(along: 1)
}
