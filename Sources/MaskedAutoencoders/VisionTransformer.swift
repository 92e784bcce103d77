public import Torch
public import TorchNN

// B batch, N patches, D width, P patch side, C channels.

extension ModelConfiguration {
  /// ViT-Tiny's encoder with the paper's decoder; ViT-Ti/16 at 224 × 224 unless told otherwise.
  public static func tiny(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3
  ) -> ModelConfiguration { sized(.tiny, patch, imageSize, channels) }

  /// ViT-Small's encoder with the paper's decoder; ViT-S/16 at 224 × 224 unless told otherwise.
  public static func small(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3
  ) -> ModelConfiguration { sized(.small, patch, imageSize, channels) }

  /// ViT-Base's encoder with the paper's decoder; ViT-B/16 at 224 × 224 unless told otherwise.
  public static func base(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3
  ) -> ModelConfiguration { sized(.base, patch, imageSize, channels) }

  /// ViT-Large's encoder with the paper's decoder; ViT-L/16 at 224 × 224 unless told otherwise.
  public static func large(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3
  ) -> ModelConfiguration { sized(.large, patch, imageSize, channels) }

  /// ViT-Huge's encoder with the paper's decoder; ViT-H/14 at 224 × 224 unless told otherwise.
  public static func huge(
    patch: Int = 14, imageSize: Int = 224, channels: Int = 3
  ) -> ModelConfiguration { sized(.huge, patch, imageSize, channels) }

  private static func sized(
    _ encoder: TransformerShape, _ patch: Int, _ side: Int, _ channels: Int
  ) -> ModelConfiguration {
    ModelConfiguration(
      height: side, width: side, channels: channels, patch: patch, encoder: encoder)
  }
}

/// Vision Transformers of the published sizes, with random weights (Dosovitskiy et al., 2021,
/// Table 1; Touvron et al., 2021, Table 1).
///
/// ```swift
/// let encoder = VisionTransformer.base(patch: 16)
/// let tokens = encoder.tokens(of: images)  // [B, 3, 224, 224] → [B, 1 + 196, 768]
/// ```
///
/// A classifier is `ImageClassifier(.base(patch: 16), classes: 10)`, a masked autoencoder
/// `MaskedAutoencoder(.base(patch: 16))`.
public enum VisionTransformer {
  /// ViT-Ti.
  public static func tiny(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3, seed: UInt64 = 0,
    on device: Device = .cpu
  ) -> PatchEncoder {
    PatchEncoder(
      .tiny(patch: patch, imageSize: imageSize, channels: channels), seed: seed, on: device)
  }

  /// ViT-S.
  public static func small(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3, seed: UInt64 = 0,
    on device: Device = .cpu
  ) -> PatchEncoder {
    PatchEncoder(
      .small(patch: patch, imageSize: imageSize, channels: channels), seed: seed, on: device)
  }

  /// ViT-B.
  public static func base(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3, seed: UInt64 = 0,
    on device: Device = .cpu
  ) -> PatchEncoder {
    PatchEncoder(
      .base(patch: patch, imageSize: imageSize, channels: channels), seed: seed, on: device)
  }

  /// ViT-L.
  public static func large(
    patch: Int = 16, imageSize: Int = 224, channels: Int = 3, seed: UInt64 = 0,
    on device: Device = .cpu
  ) -> PatchEncoder {
    PatchEncoder(
      .large(patch: patch, imageSize: imageSize, channels: channels), seed: seed, on: device)
  }

  /// ViT-H.
  public static func huge(
    patch: Int = 14, imageSize: Int = 224, channels: Int = 3, seed: UInt64 = 0,
    on device: Device = .cpu
  ) -> PatchEncoder {
    PatchEncoder(
      .huge(patch: patch, imageSize: imageSize, channels: channels), seed: seed, on: device)
  }
}

extension Module {
  /// The model's tensors by name: what an optimizer trains and a checkpoint holds. It is the store
  /// of the whole model, of a part of it too.
  public var parameters: ParameterStore { scope.store }
}

extension MaskedAutoencoder {
  /// Makes a model with random weights: `MaskedAutoencoder(.base(patch: 16))`. Its `parameters`
  /// hold them.
  public init(_ configuration: ModelConfiguration, seed: UInt64 = 0, on device: Device = .cpu) {
    self.init(configuration, in: .random(seed: seed, on: device))
  }
}

extension ImageClassifier {
  /// Makes a classifier with random weights: `ImageClassifier(.base(patch: 16), classes: 10)`.
  ///
  /// It reads the mean of the patches and normalises it, as the published code fine-tunes.
  public init(
    _ configuration: ModelConfiguration, classes: Int, seed: UInt64 = 0, on device: Device = .cpu
  ) {
    self.init(
      configuration, head: ClassifierHead(classes: classes), in: .random(seed: seed, on: device))
  }
}

extension PatchEncoder {
  /// Makes an encoder with random weights, see ``VisionTransformer``.
  public init(_ configuration: ModelConfiguration, seed: UInt64 = 0, on device: Device = .cpu) {
    self.init(configuration, in: .random(seed: seed, on: device))
  }

  /// Class token and all patches after the last norm: `[B, C, H, W]`, normalised → `[B, 1 + N, D]`.
  public func tokens(of images: Tensor) -> Tensor {
    self(patches(of: images, side: configuration.patch))
  }
}

extension Scope {
  /// The root of a new store.
  fileprivate static func random(seed: UInt64, on device: Device) -> Scope {
    ParameterStore(on: device, initializing: Generator(seed: seed)).root
  }
}
