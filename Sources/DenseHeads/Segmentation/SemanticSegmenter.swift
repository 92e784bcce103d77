public import MaskedAutoencoders
public import Torch
public import TorchNN

// B batch, C channels, H × W pixels, K classes, D width.

/// A Vision Transformer that says the class of every pixel (He et al., 2022, §5 “Semantic
/// segmentation”).
public struct SemanticSegmenter: Module {
  public let scope: Scope
  /// The encoder's configuration; images may have another size.
  public let configuration: ModelConfiguration
  /// Maps, decoder and classes.
  public let shape: SegmenterShape
  /// The encoder.
  public let encoder: FeatureEncoder
  private let neck: FourScales?
  private let head: any SegmentationHead
  private let auxiliary: AuxiliaryHead?

  /// Declares the encoder's weights, and under `neck`, `decode_head` and `auxiliary_head` what the
  /// shape asks for.
  public init(_ configuration: ModelConfiguration, _ shape: SegmenterShape, in scope: Scope) {
    self.scope = scope
    self.configuration = configuration
    self.shape = shape
    let width = configuration.encoder.width
    encoder = FeatureEncoder(configuration, shape.backbone, in: scope)
    neck =
      shape.decoder.hasPyramid ? FourScales(width: width, norm: .batch, in: scope["neck"]) : nil
    let own = scope["decode_head"]
    head =
      switch shape.decoder {
      case .upernet:
        UnifiedHead(width: width, channels: shape.channels, classes: shape.classes, in: own)
      case .pyramid:
        PyramidDecoder(width: width, channels: shape.channels, classes: shape.classes, in: own)
      case .linear: LinearDecoder(width: width, classes: shape.classes, in: own)
      }
    auxiliary = shape.auxiliaryChannels.map {
      AuxiliaryHead(
        width: width, channels: $0, classes: shape.classes, in: scope["auxiliary_head"])
    }
  }

  /// Scores of classes (logits): images `[B, C, H, W]`, normalised → `[B, K, H, W]`.
  ///
  /// - Precondition: The patch divides the sides of the images; ``SlidingWindow`` takes any.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    scores(of: images, training: nil).scores
      .interpolated(rows: images.shape[2], columns: images.shape[3], mode: .bilinear)
  }

  /// Scores of the decoder and, in training, of the auxiliary head, at their own sizes:
  /// `[B, C, H, W]` → `[B, K, H′, W′]`.
  public func scores(
    of images: Tensor, training: DenseTraining?
  ) -> (scores: Tensor, auxiliary: Tensor?) {
    let maps = encoder(images, training: training)
    let pyramid = neck?(maps, training: training) ?? maps
    return (
      head(pyramid, training: training),
      training == nil
        ? nil : auxiliary?(pyramid[SegmenterShape.auxiliaryMap], training: training)
    )
  }
}
