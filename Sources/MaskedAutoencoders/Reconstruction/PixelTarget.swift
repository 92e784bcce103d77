public import Torch

extension PixelTarget {
  /// What the decoder should predict for patches: `[…, V]` → `[…, V]`.
  ///
  /// Normalised pixels use the unbiased variance of each patch, plus 1e-6 (§3 “Reconstruction
  /// target”, with the published code's constants).
  public func values(for patches: Tensor) -> Tensor {
    switch self {
    case .pixels: patches
    case .normalizedPixels: (patches - patches.patchMean) / patches.patchDeviation
    }
  }

  /// Pixels from a prediction; a normalised one gets mean and deviation from the original patches.
  public func pixels(from prediction: Tensor, of patches: Tensor) -> Tensor {
    switch self {
    case .pixels: prediction
    case .normalizedPixels: prediction * patches.patchDeviation + patches.patchMean
    }
  }
}

extension Tensor {
  fileprivate var patchMean: Tensor { mean([-1], keepingDimensions: true) }
  fileprivate var patchDeviation: Tensor {
    (variance([-1], keepingDimensions: true) + 1e-6).squareRoot()
  }
}
