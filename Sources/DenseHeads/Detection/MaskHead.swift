public import Torch
public import TorchNN

// R regions, C channels, K classes.

/// Says which cells of a region an object covers, for each class (He et al., 2017): convolutions, one
/// that doubles the size, and scores.
public struct MaskHead: Module {
  public let scope: Scope
  /// Cells of a region's side.
  public static let bins = 14
  /// Cells of a mask's side.
  public static let side = 28
  private let convolutions: [NormedConv2d]
  private let enlarging: ConvTranspose2d
  private let scores: Conv2d

  /// Declares `mask_fcn1`, …, `deconv` and `predictor` (detectron2's names).
  public init(_ shape: DetectorShape, in scope: Scope) {
    self.scope = scope
    let channels = shape.channels
    convolutions = (0..<shape.convolutions).map {
      NormedConv2d(
        channels, channels, kernel: 3, norm: shape.norm,
        initializing: .kaimingNormal(fanOut: 9 * channels), in: scope["mask_fcn\($0 + 1)"])
    }
    enlarging = ConvTranspose2d(
      channels, channels, kernel: 2, stride: 2,
      // The fan out as PyTorch counts it: by the weight's first dimension.
      initializing: .kaimingNormal(fanOut: 4 * channels), initializingBias: .constant(0),
      in: scope["deconv"])
    scores = Conv2d(
      channels, shape.classes, kernel: 1, initializing: .normal(std: 0.001),
      initializingBias: .constant(0), in: scope["predictor"])
  }

  /// Scores (logits) `[R, K, 28, 28]` of regions `[R, C, 14, 14]`.
  public func callAsFunction(_ regions: Tensor, training: DenseTraining? = nil) -> Tensor {
    var x = regions
    for convolution in convolutions { x = convolution(x, training: training).relu() }
    return scores(enlarging(x).relu())
  }

  /// Scores of each region's own class: `[R, K, 28, 28]` → `[R, 28, 28]`.
  static func own(_ scores: Tensor, _ labels: [Int]) -> Tensor {
    let classes = scores.shape[1]
    let rows = labels.enumerated().map { $0.offset * classes + $0.element }
    return scores.flattened(from: 0, to: 1).selected(Tensor(rows).sent(to: scores.device), along: 0)
  }

  /// The mean cross-entropy of the cells of the true class's masks.
  ///
  /// - Parameters:
  ///   - labels: The class of each region.
  ///   - targets: 0 or 1 of each region's cells, row by row.
  ///   - divisor: The number of regions, a scalar; with several processes its mean over them.
  public func loss(
    _ scores: Tensor, labels: [Int], targets: [Float], divisor: Tensor
  ) -> Tensor {
    let own = Self.own(scores.to(.float32), labels)
    let wanted = Tensor(targets, shape: own.shape).sent(to: own.device)
    return own.binaryCrossEntropySum(with: wanted) / divisor / Double(Self.side * Self.side)
  }
}
