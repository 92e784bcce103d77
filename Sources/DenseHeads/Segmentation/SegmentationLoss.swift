public import Torch
import TorchNN

// B batch, K classes, H × W pixels.

/// How far scores of pixels are off.
public struct SegmentationLoss: Hashable, Sendable {
  /// The share of the auxiliary head's error: 0.4.
  public var auxiliaryWeight: Double
  /// Whether the mean is over all pixels, those that are ignored too, as MMSegmentation takes it; the
  /// gradient is then the smaller the more is ignored.
  public var countsIgnored: Bool
  /// The label of pixels that do not count.
  public static let ignored = -1

  /// The mean over pixels that count, unless told otherwise.
  public init(auxiliaryWeight: Double = 0.4, countsIgnored: Bool = false) {
    self.auxiliaryWeight = auxiliaryWeight
    self.countsIgnored = countsIgnored
  }

  /// The cross-entropy of scores `[B, K, H′, W′]`, brought to the labels' size bilinearly, with
  /// labels `[B, H, W]` (int64); 0 where all pixels are ignored.
  public func callAsFunction(_ scores: Tensor, _ labels: Tensor) -> Tensor {
    let size = labels.shape
    let full = scores.to(.float32).interpolated(rows: size[1], columns: size[2], mode: .bilinear)
    let sum = full.crossEntropySum(with: labels, ignoring: Self.ignored)
    if countsIgnored { return sum / Double(labels.count) }
    let counted = (labels .!= Double(Self.ignored)).to(.float32).sum()
    return sum / SharedBatch.mean(counted).clamped(atLeast: 1)
  }

  /// The decoder's error and its share of the auxiliary head's, apart and together.
  public func total(
    _ scores: (scores: Tensor, auxiliary: Tensor?), _ labels: Tensor
  ) -> (total: Tensor, parts: [(name: String, error: Tensor)]) {
    let decoder = self(scores.scores, labels)
    guard let auxiliary = scores.auxiliary else { return (decoder, [("decoder", decoder)]) }
    let second = self(auxiliary, labels)
    return (decoder + second * auxiliaryWeight, [("decoder", decoder), ("auxiliary", second)])
  }
}
