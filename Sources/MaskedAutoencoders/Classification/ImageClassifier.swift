public import Torch
public import TorchNN

// B batch, N patches, D width, K classes, C channels, H × W pixels.

/// A Vision Transformer that tells classes of images apart: the encoder over all patches, pooled,
/// then a linear layer (He et al., 2022, §4 and A.1).
///
/// Names are timm's (`blocks.0.attn.qkv.weight`, `fc_norm.weight`, `head.weight`), so that its
/// weights load there as they are.
public struct ImageClassifier: Module {
  public let scope: Scope
  /// The encoder's shape; its decoder's is of no account.
  public let configuration: ModelConfiguration
  /// Pooling and classes.
  public let shape: ClassifierHead
  /// The encoder over all patches.
  public let encoder: PatchEncoder
  let meanNorm: LayerNorm?
  let batchNorm: BatchNorm?
  let head: Linear

  /// Declares the encoder, `fc_norm` or `head_norm` where the head has them, and `head`.
  ///
  /// - Parameters:
  ///   - std: The standard deviation of the head's first weights: 2e-5 in fine-tuning, 0.01 in linear
  ///     probing (published code).
  ///   - recomputes: Whether a backward pass computes blocks a second time instead of keeping what
  ///     they computed.
  public init(
    _ configuration: ModelConfiguration, head shape: ClassifierHead, std: Double = 2e-5,
    recomputing recomputes: Bool = false, in scope: Scope
  ) {
    self.scope = scope
    self.configuration = configuration
    self.shape = shape
    let width = configuration.encoder.width
    let poolsFirst = shape.pooling == .normalizedMean
    encoder = PatchEncoder(
      configuration, trainsPositions: true, hasNorm: !poolsFirst, recomputing: recomputes,
      in: scope)
    meanNorm =
      poolsFirst
      ? LayerNorm(width, epsilon: configuration.normEpsilon, in: scope["fc_norm"]) : nil
    batchNorm =
      shape.normalizesBatches
      ? BatchNorm(width, epsilon: ClassifierHead.batchNormEpsilon, in: scope["head_norm"]) : nil
    head = Linear(
      width, shape.classes, initializing: .normal(std: std), in: scope["head"])
  }

  /// The row of each image that the head sees, before a batch normalisation:
  /// `[B, C, H, W]`, normalised → `[B, D]`.
  public func features(of images: Tensor, dropping paths: DropPath? = nil) -> Tensor {
    precondition(
      Array(images.shape.dropFirst())
        == [configuration.channels, configuration.height, configuration.width],
      "images are \(images.shape); expected [B, \(configuration.channels), "
        + "\(configuration.height), \(configuration.width)]")
    let patches = patches(of: images, side: configuration.patch)
    // Where only the class token is seen, the last block need not compute the others.
    return shape.pooling == .classToken && paths == nil
      ? encoder.classToken(of: patches) : pooled(encoder(patches, dropping: paths))
  }

  /// The encoder's tokens as one row an image: `[B, 1 + N, D]` → `[B, D]`.
  public func pooled(_ tokens: Tensor) -> Tensor {
    switch shape.pooling {
    case .classToken: return tokens[.all, 0]
    case .mean, .normalizedMean:
      let mean = tokens[.all, 1...].mean([1])
      return meanNorm?(mean) ?? mean
    }
  }

  /// Scores of classes (logits): `[B, C, H, W]`, normalised → `[B, K]`.
  ///
  /// - Parameters:
  ///   - isTraining: Whether a batch normalisation uses the batch's own statistics, and notes them.
  ///   - paths: What blocks leave out in training.
  public func callAsFunction(
    _ images: Tensor, isTraining: Bool = false, dropping paths: DropPath? = nil
  ) -> Tensor {
    scores(of: features(of: images, dropping: paths), isTraining: isTraining)
  }

  /// Scores of pooled rows: `[B, D]` → `[B, K]`.
  public func scores(of rows: Tensor, isTraining: Bool = false) -> Tensor {
    head(batchNorm?(rows, isTraining: isTraining) ?? rows)
  }
}
