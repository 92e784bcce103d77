public import Torch
public import TorchNN

// B batch, N patches, K kept, E encoder width, D decoder width, V predicted values of a patch.

/// The light transformer that fills in the hidden patches (He et al., 2022, §3 “MAE decoder”).
///
/// Tokens stand in the order class, visible, hidden: attention does not care about order and
/// positions are added by number, so that nothing needs to be put back for the loss. Where the
/// encoder has seen mask tokens, it gives tokens of all patches in that order, and none is added.
/// A decoder of depth 0 is one linear layer on such an encoder, as in BEiT (Bao et al., 2022).
public struct PatchDecoder: Module {
  public let scope: Scope
  let embedding: Linear?  // Nil at depth 0, as are positions and norm.
  /// The decoder's, `[1, 1, D]`; where the encoder sees mask tokens the encoder's, `[1, 1, E]`.
  let maskToken: Tensor
  private let encodesMaskTokens: Bool
  let positions: Tensor?  // [1, 1 + N, D]
  let blocks: [TransformerBlock]
  let norm: LayerNorm?
  let prediction: Linear
  /// The target's own tensors, by their names without the prefix.
  let buffers: [String: Tensor]
  private let recomputes: Bool

  /// Declares `mask_token`, `decoder_embed`, `decoder_pos_embed`, `decoder_blocks`, `decoder_norm`
  /// and `decoder_pred`, as wide as the target asks, and the target's own tensors; at depth 0
  /// `mask_token`, `decoder_pred` and the target's alone.
  ///
  /// - Parameter recomputes: Whether a backward pass computes blocks a second time.
  /// - Precondition: The configuration has a decoder.
  public init(
    _ configuration: ModelConfiguration, recomputing recomputes: Bool = false, in scope: Scope
  ) {
    self.scope = scope
    self.recomputes = recomputes
    guard let shape = configuration.decoder else {
      preconditionFailure("decoder is nil; a masked autoencoder needs the shape of its decoder")
    }
    encodesMaskTokens = configuration.encodesMaskTokens
    maskToken = scope.parameter(
      "mask_token", [1, 1, encodesMaskTokens ? configuration.encoder.width : shape.width],
      .normal(std: 0.02))
    let isLinear = shape.depth == 0
    positions =
      isLinear
      ? nil
      : scope.buffer(
        "decoder_pos_embed", [1, 1 + configuration.grid.count, shape.width],
        .values(sineCosinePositions(configuration.grid, width: shape.width)))
    embedding =
      isLinear
      ? nil : Linear(configuration.encoder.width, shape.width, in: scope["decoder_embed"])
    blocks = (0..<shape.depth).map {
      TransformerBlock(
        shape, normEpsilon: configuration.normEpsilon, qkvBias: configuration.qkvBias,
        in: scope["decoder_blocks", $0])
    }
    norm =
      isLinear
      ? nil
      : LayerNorm(shape.width, epsilon: configuration.normEpsilon, in: scope["decoder_norm"])
    prediction = Linear(
      shape.width, configuration.predictedValues, in: scope["decoder_pred"])
    let declared = configuration.target.target.buffers(for: configuration).map {
      ($0.name, scope[TargetBuffer.scope].buffer($0.name, $0.shape, $0.initializer))
    }
    buffers = Dictionary(uniqueKeysWithValues: declared)
  }

  /// Predictions for the hidden patches only, in the order of the mask; the last block computes no
  /// other token. `[B, 1 + K, E]`, or `[B, 1 + N, E]` with mask tokens → `[B, N − K, V]`
  public func hidden(_ latent: Tensor, mask: PatchMask) -> Tensor {
    var x = tokens(latent, mask: mask)
    for block in blocks.dropLast() { x = all(x, through: block) }
    let tokens = x.shape[1]
    let hidden = tokens - (mask.patches - mask.kept)..<tokens
    x =
      blocks.last.map { $0(x, queries: hidden, recomputing: recomputes) }
      ?? x.narrowed(1, to: hidden)
    return prediction(norm?(x) ?? x)
  }

  /// Predictions for all patches, row by row. `[B, 1 + K, E]`, or `[B, 1 + N, E]` with mask tokens
  /// → `[B, N, V]`
  public func all(_ latent: Tensor, mask: PatchMask) -> Tensor {
    var x = tokens(latent, mask: mask)
    for block in blocks { x = all(x, through: block) }
    x = x[.all, 1...]
    let shuffled = prediction(norm?(x) ?? x)
    let places = mask.restoring.unsqueezed(2).expanded([-1, -1, shuffled.shape[2]])
    return shuffled.gathered(places, along: 1)
  }

  private func all(_ x: Tensor, through block: TransformerBlock) -> Tensor {
    block(x, dropping: 0, using: nil, recomputing: recomputes)
  }

  /// Class, visible and hidden tokens with their positions. `[B, 1 + K, E]`, or `[B, 1 + N, E]`
  /// with mask tokens → `[B, 1 + N, D]`
  private func tokens(_ latent: Tensor, mask: PatchMask) -> Tensor {
    guard let positions, let embedding else { return latent }
    let table = positions[0]
    let encoded = encodesMaskTokens ? mask.order : mask.visible
    let visible =
      embedding(latent)
      + concatenated(
        [
          Tensor.zeros([mask.batch, 1], dtype: .int64, device: mask.order.device),
          encoded + 1,
        ], along: 1
      ).looked(upIn: table)
    if encodesMaskTokens { return visible }
    let hidden = maskToken + (mask.hidden + 1).looked(upIn: table)
    return concatenated([visible, hidden.to(visible.dtype)], along: 1)
  }
}

extension Tensor {
  /// Rows of a table `[R, D]` by number: `[B, N]` int64 → `[B, N, D]`.
  fileprivate func looked(upIn table: Tensor) -> Tensor {
    table.selected(flattened(), along: 0).reshaped(shape + [table.shape[1]])
  }
}
