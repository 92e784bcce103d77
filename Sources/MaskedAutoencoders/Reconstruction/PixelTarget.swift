public import Torch

/// The pixels as the model is given them.
public struct PixelTarget: DrawableTarget {
  public static let name = "pixels"
  public var normPixLoss: Bool? { false }

  /// Creates the target.
  public init() {}

  public func valuesPerPatch(of configuration: ModelConfiguration) -> Int {
    configuration.patchValues
  }
  public func values(for patches: TargetPatches) -> Tensor { patches.chosen }
  public func pixels(from prediction: Tensor, of patches: TargetPatches) -> Tensor { prediction }
}

/// The pixels of a patch less their mean, over their standard deviation.
///
/// The variance is the unbiased one of each patch, plus 1e-6 (§3 “Reconstruction target”, with the
/// published code's constants). Pictures take mean and deviation from the original patches.
public struct NormalizedPixelTarget: DrawableTarget {
  public static let name = "normalized-pixels"
  public var normPixLoss: Bool? { true }
  public var usesOriginalStatistics: Bool { true }

  /// Creates the target.
  public init() {}

  public func valuesPerPatch(of configuration: ModelConfiguration) -> Int {
    configuration.patchValues
  }

  public func values(for patches: TargetPatches) -> Tensor {
    let pixels = patches.chosen
    return (pixels - pixels.patchMean) / pixels.patchDeviation
  }

  public func pixels(from prediction: Tensor, of patches: TargetPatches) -> Tensor {
    let original = patches.chosen
    return prediction * original.patchDeviation + original.patchMean
  }
}

extension Tensor {
  fileprivate var patchMean: Tensor { mean([-1], keepingDimensions: true) }
  fileprivate var patchDeviation: Tensor {
    (variance([-1], keepingDimensions: true) + 1e-6).squareRoot()
  }
}
