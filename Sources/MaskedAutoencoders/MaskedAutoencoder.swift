public import Torch
public import TorchNN

// B batch, N patches, K kept, D width, P patch side, C channels, V predicted values of a patch.

/// A masked autoencoder (He et al., 2022, arXiv:2111.06377).
///
/// The encoder embeds and sees the visible patches only; a light decoder over all positions, with
/// mask tokens in the place of the hidden patches, predicts their pixels, or what else the
/// configuration's target asks for. With ``ModelConfiguration/encodesMaskTokens`` the mask tokens
/// are the encoder's instead (Table 1c). Nothing deviates from the
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
  /// - Parameter recomputes: Whether a backward pass computes blocks a second time instead of keeping
  ///   what they computed: about a third more time, for a fraction of the memory.
  /// - Precondition: `configuration.problems` is empty, and there is a decoder.
  public init(
    _ configuration: ModelConfiguration, recomputing recomputes: Bool = false, in scope: Scope
  ) {
    precondition(
      configuration.problems.isEmpty,
      configuration.problems.map { "\($0.path) \($0.message)" }.joined(separator: "; "))
    self.scope = scope
    self.configuration = configuration
    encoder = PatchEncoder(configuration, recomputing: recomputes, in: scope)
    decoder = PatchDecoder(configuration, recomputing: recomputes, in: scope)
  }

  /// Patches that the reconstruction error is taken over.
  public enum LossRegion: String, Codable, Hashable, Sendable, CaseIterable {
    /// The hidden ones (§3 “Reconstruction target”).
    case hidden
    /// All of them (footnote 1).
    case all
  }

  /// The mean error of the prediction, by the target's criterion: a scalar for training.
  ///
  /// - Parameters:
  ///   - images: `[B, C, H, W]` float32, normalised.
  ///   - mask: Which patches are seen.
  ///   - region: With `hidden` only hidden patches are predicted at all.
  public func loss(
    _ images: Tensor, mask: PatchMask, over region: LossRegion = .hidden
  ) -> Tensor {
    let (prediction, values) = predicted(images, mask: mask, over: region)
    return target.criterion.loss(of: prediction, against: values)
  }

  /// What training compares: the prediction of the region's patches `[…, V]`, float32, and what it
  /// should be, see ``PatchTarget/values(for:)``.
  package func predicted(
    _ images: Tensor, mask: PatchMask, over region: LossRegion
  ) -> (prediction: Tensor, values: Tensor) {
    let all = checkedPatches(of: images, mask: mask)
    let latent = encoded(all, mask)
    switch region {
    case .hidden:
      let predicted = decoder.hidden(latent, mask: mask).to(.float32)
      let hidden = targetPatches(all, choosing: mask.hiddenRows)
      return (predicted.flattened(to: 1), target.values(for: hidden))
    case .all:
      return (
        decoder.all(latent, mask: mask).to(.float32), target.values(for: targetPatches(all))
      )
    }
  }

  /// What the model makes of images under a mask.
  public struct Output {
    /// The error over the region that was asked for, a scalar.
    public let loss: Tensor
    /// All predicted patches, row by row: `[B, N, V]`.
    public let prediction: Tensor
    /// Class token and visible patches after the encoder: `[B, 1 + K, D]`; where the encoder sees
    /// mask tokens the hidden ones too, in the order of the mask: `[B, 1 + N, D]`.
    public let latent: Tensor
  }

  /// The full prediction, the latent and the error (§3); for looking, not for training.
  public func callAsFunction(
    _ images: Tensor, mask: PatchMask, over region: LossRegion = .hidden
  ) -> Output {
    let all = checkedPatches(of: images, mask: mask)
    let latent = encoded(all, mask)
    let prediction = decoder.all(latent, mask: mask)
    let errors = target.criterion.errors(  // [B, N]
      of: prediction.to(.float32), against: target.values(for: targetPatches(all)))
    let loss =
      switch region {
      case .hidden: (errors * mask.indicator).sum() / mask.indicator.sum()
      case .all: errors.mean()
      }
    return Output(loss: loss, prediction: prediction, latent: latent)
  }

  /// The encoder's tokens, see ``Output/latent``.
  private func encoded(_ patches: Tensor, _ mask: PatchMask) -> Tensor {
    configuration.encodesMaskTokens
      ? encoder(patches, keeping: mask, maskToken: decoder.maskToken)
      : encoder(patches, keeping: mask)
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

  /// Pixels as a prediction of all patches has them; nil where the target is not of pixels.
  ///
  /// - Parameters:
  ///   - prediction: `[B, N, V]` float32.
  ///   - patches: The original's, `[B, N, P·P·C]`, for what the target has left out of them.
  /// - Returns: `[B, N, P·P·C]`.
  public func pixels(from prediction: Tensor, of patches: Tensor) -> Tensor? {
    (target as? any DrawableTarget)?.pixels(from: prediction, of: targetPatches(patches))
  }

  private var target: any PatchTarget { configuration.target.target }

  private func targetPatches(_ all: Tensor, choosing rows: Tensor? = nil) -> TargetPatches {
    TargetPatches(all, of: configuration, choosing: rows, buffers: decoder.buffers)
  }
}
