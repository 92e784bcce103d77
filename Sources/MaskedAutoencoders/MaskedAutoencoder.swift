public import Torch
public import TorchNN

// B batch, N patches, K kept, D width, P patch side, C channels, V = P·P·C values of a patch.

/// A masked autoencoder (He et al., 2022, arXiv:2111.06377).
///
/// The encoder embeds and sees the visible patches only; a light decoder over all positions, with
/// mask tokens in the place of the hidden patches, predicts their pixels. Nothing deviates from the
/// paper's model; the patches are never put back in order for the loss, which is the same sum.
public struct MaskedAutoencoder: Module {
  public let scope: Scope
  /// Shapes and target.
  public let configuration: ModelConfiguration
  /// The Vision Transformer; what is kept after pre-training.
  public let encoder: PatchEncoder
  /// The decoder; only pre-training and pictures need it.
  public let decoder: PatchDecoder

  /// Declares all weights under the published names.
  ///
  /// - Precondition: `configuration.problems` is empty.
  public init(_ configuration: ModelConfiguration, in scope: Scope) {
    precondition(
      configuration.problems.isEmpty,
      configuration.problems.map { "\($0.path) \($0.message)" }.joined(separator: "; "))
    self.scope = scope
    self.configuration = configuration
    encoder = PatchEncoder(configuration, in: scope)
    decoder = PatchDecoder(configuration, in: scope)
  }

  /// Patches that the reconstruction error is taken over.
  public enum LossRegion: String, Codable, Hashable, Sendable, CaseIterable {
    /// The hidden ones (§3 “Reconstruction target”).
    case hidden
    /// All of them (footnote 1).
    case all
  }

  /// The mean squared error of the prediction, a scalar for training.
  ///
  /// - Parameters:
  ///   - images: `[B, C, H, W]` float32, normalised.
  ///   - mask: Which patches are seen.
  ///   - region: With `hidden` only hidden patches are predicted at all.
  public func loss(
    _ images: Tensor, mask: PatchMask, over region: LossRegion = .hidden
  ) -> Tensor {
    let all = checkedPatches(of: images, mask: mask)
    let latent = encoder(all, keeping: mask)
    switch region {
    case .hidden:
      let predicted = decoder.hidden(latent, mask: mask).to(.float32)
      let hidden = all.flattened(to: 1).selected(mask.hiddenRows, along: 0)
      return predicted.flattened(to: 1).meanSquaredError(to: target(hidden))
    case .all:
      return decoder.all(latent, mask: mask).to(.float32).meanSquaredError(to: target(all))
    }
  }

  /// What the model makes of images under a mask.
  public struct Output {
    /// The error over the region that was asked for, a scalar.
    public let loss: Tensor
    /// All predicted patches, row by row: `[B, N, V]`.
    public let prediction: Tensor
    /// Class token and visible patches after the encoder: `[B, 1 + K, D]`.
    public let latent: Tensor
  }

  /// The full prediction, the latent and the error (§3); for looking, not for training.
  public func callAsFunction(
    _ images: Tensor, mask: PatchMask, over region: LossRegion = .hidden
  ) -> Output {
    let all = checkedPatches(of: images, mask: mask)
    let latent = encoder(all, keeping: mask)
    let prediction = decoder.all(latent, mask: mask)
    let errors = (prediction.to(.float32) - target(all)).squared().mean([-1])  // [B, N]
    let loss =
      switch region {
      case .hidden: (errors * mask.indicator).sum() / mask.indicator.sum()
      case .all: errors.mean()
      }
    return Output(loss: loss, prediction: prediction, latent: latent)
  }

  /// Cuts images after a look at their shape and the mask's: a mask of another grid would not fail,
  /// but see other patches.
  private func checkedPatches(of images: Tensor, mask: PatchMask) -> Tensor {
    let expected = [
      mask.batch, configuration.channels, configuration.height, configuration.width,
    ]
    precondition(images.shape == expected, "images are \(images.shape), expected \(expected)")
    precondition(
      mask.patches == configuration.grid.count,
      "the mask is of \(mask.patches) patches, the model has \(configuration.grid.count)")
    return patches(of: images, side: configuration.patch)
  }

  /// The patches' target, without a gradient.
  private func target(_ patches: Tensor) -> Tensor {
    configuration.target.values(for: patches.detached())
  }
}
