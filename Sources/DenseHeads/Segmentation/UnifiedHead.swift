public import Torch
public import TorchNN

// B batch, D width, C channels, K classes; level 0 is the finest.

/// UperNet's head (Xiao et al., 2018, “Unified perceptual parsing”): pyramid pooling on the coarsest
/// map, the others added to it from coarse to fine, all joined at the finest size.
///
/// Names and order are MMSegmentation's `UPerHead`; Hugging Face calls `conv_seg` `classifier`.
public struct UnifiedHead: SegmentationHead {
  public let scope: Scope
  private let pooling: PyramidPooling
  private let laterals: [ConvolutionBlock]
  private let outputs: [ConvolutionBlock]
  private let bottleneck: ConvolutionBlock
  private let classifier: PixelClassifier

  /// Declares `conv_seg`, `psp_modules`, `bottleneck`, `lateral_convs`, `fpn_convs` and
  /// `fpn_bottleneck`.
  ///
  /// - Parameters:
  ///   - width: Of the four maps.
  ///   - channels: Of the head, `C`.
  ///   - dropout: The share of channels left out before the last layer, in training.
  public init(width: Int, channels: Int, classes: Int, dropout: Double = 0.1, in scope: Scope) {
    self.scope = scope
    classifier = PixelClassifier(channels, classes: classes, dropout: dropout, in: scope)
    pooling = PyramidPooling(width: width, channels: channels, in: scope)
    laterals = (0..<3).map {
      ConvolutionBlock(width, channels, kernel: 1, in: scope["lateral_convs", $0])
    }
    outputs = (0..<3).map {
      ConvolutionBlock(channels, channels, kernel: 3, in: scope["fpn_convs", $0])
    }
    bottleneck = ConvolutionBlock(4 * channels, channels, kernel: 3, in: scope["fpn_bottleneck"])
  }

  public func callAsFunction(_ maps: [Tensor], training: DenseTraining?) -> Tensor {
    precondition(maps.count == 4, "\(maps.count) maps; expected 4")
    let levels = topDown(
      zip(laterals, maps).map { $0($1, training: training) }
        + [pooling(maps[3], training: training)])
    let finer = zip(outputs, levels).map { $0($1, training: training) }
    let same = (finer + [levels[3]]).map { $0.resized(like: finer[0]) }
    return classifier(
      bottleneck(concatenated(same, along: 1), training: training), training: training)
  }
}

/// A second, simple head on a map of the middle, which only trains (Zhao et al., 2017, §3.3): a 3 × 3
/// convolution of 256 channels and a layer of scores.
public struct AuxiliaryHead: Module {
  public let scope: Scope
  private let convolution: ConvolutionBlock
  private let classifier: PixelClassifier

  /// Declares `conv_seg` and `convs.0` (MMSegmentation's `FCNHead`).
  public init(
    width: Int, channels: Int = 256, classes: Int, dropout: Double = 0.1, in scope: Scope
  ) {
    self.scope = scope
    classifier = PixelClassifier(channels, classes: classes, dropout: dropout, in: scope)
    convolution = ConvolutionBlock(width, channels, kernel: 3, in: scope["convs", 0])
  }

  /// Scores of classes: `[B, D, R, S]` → `[B, K, R, S]`.
  public func callAsFunction(_ map: Tensor, training: DenseTraining?) -> Tensor {
    classifier(convolution(map, training: training), training: training)
  }
}
