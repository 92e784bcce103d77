public import Torch
public import TorchNN

// B batch, N patches, K kept, D width, P patch side, C channels, V = P·P·C values of a patch.

/// The Vision Transformer that sees the visible patches only (He et al., 2022, §3 “MAE encoder”);
/// all patches where nothing is masked, as in fine-tuning.
///
/// Names are timm's, so that its weights load there as they are.
public struct PatchEncoder: Module {
  public let scope: Scope
  /// The model's configuration.
  public let configuration: ModelConfiguration
  let patchWeight: Tensor  // [D, C, P, P], a convolution's
  let patchBias: Tensor
  package let classToken: Tensor  // [1, 1, D]
  package let positions: Tensor  // [1, 1 + N, D]
  package let blocks: [TransformerBlock]
  let norm: LayerNorm?
  private let recomputes: Bool

  /// Declares `cls_token`, `pos_embed`, `patch_embed.proj`, `blocks` and `norm`.
  ///
  /// - Parameters:
  ///   - trainsPositions: Whether positions are learned, as in fine-tuning; pre-training keeps the
  ///     sine-cosine table.
  ///   - hasNorm: Whether tokens are normalised after the last block; a classifier that normalises
  ///     the mean of the patches instead has none.
  ///   - recomputes: Whether a backward pass computes blocks a second time instead of keeping what
  ///     they computed.
  public init(
    _ configuration: ModelConfiguration, trainsPositions: Bool = false, hasNorm: Bool = true,
    recomputing recomputes: Bool = false, in scope: Scope
  ) {
    self.scope = scope
    self.recomputes = recomputes
    self.configuration = configuration
    let shape = configuration.encoder
    let (width, patch, channels) = (shape.width, configuration.patch, configuration.channels)
    classToken = scope.parameter("cls_token", [1, 1, width], .normal(std: 0.02))
    let table = Initializer.values(sineCosinePositions(configuration.grid, width: width))
    let places = [1, 1 + configuration.grid.count, width]
    positions =
      trainsPositions
      ? scope.parameter("pos_embed", places, table) : scope.buffer("pos_embed", places, table)
    // Xavier over the flattened patch; the bias as a convolution's (He et al., 2022, A.1).
    let values = configuration.patchValues
    patchWeight = scope["patch_embed"]["proj"].parameter(
      "weight", [width, channels, patch, patch], .xavierUniform(fanIn: values, fanOut: width))
    patchBias = scope["patch_embed"]["proj"].parameter(
      "bias", [width], .uniform(bound: 1 / Double(values).squareRoot()))
    blocks = (0..<shape.depth).map {
      TransformerBlock(
        shape, normEpsilon: configuration.normEpsilon, qkvBias: configuration.qkvBias,
        in: scope["blocks", $0])
    }
    norm =
      hasNorm ? LayerNorm(width, epsilon: configuration.normEpsilon, in: scope["norm"]) : nil
  }

  /// Class token and visible patches after the last norm, in the order of the mask.
  ///
  /// - Parameters:
  ///   - patches: `[B, N, V]` as ``patches(of:side:)`` cuts them.
  ///   - mask: Which patches are kept; only those are embedded.
  /// - Returns: `[B, 1 + K, D]`.
  public func callAsFunction(_ patches: Tensor, keeping mask: PatchMask) -> Tensor {
    encoded(visibleTokens(patches, mask))
  }

  /// Class token and all patches after the last norm, in the order of the mask, where a mask token
  /// stands in the place of each hidden patch (Table 1c, “encoder w/ [M]”).
  ///
  /// - Parameter maskToken: `[1, 1, D]`.
  /// - Returns: `[B, 1 + N, D]`.
  func callAsFunction(_ patches: Tensor, keeping mask: PatchMask, maskToken: Tensor) -> Tensor {
    let visible = visibleTokens(patches, mask)
    let places = positions[0, 1...].selected(mask.hidden.flattened(), along: 0)
    let hidden = maskToken + places.reshaped([mask.batch, mask.patches - mask.kept, -1])
    return encoded(concatenated([visible, hidden.to(visible.dtype)], along: 1))
  }

  /// Visible patches with their positions: `[B, N, V]` → `[B, K, D]`.
  private func visibleTokens(_ patches: Tensor, _ mask: PatchMask) -> Tensor {
    let visible = patches.flattened(to: 1).selected(mask.visibleRows, along: 0)  // [B·K, V]
    let places = positions[0, 1...].selected(mask.visible.flattened(), along: 0)  // [B·K, D]
    return (embedded(visible) + places).reshaped([mask.batch, mask.kept, -1])
  }

  /// Class token and all patches after the last norm, row by row: `[B, N, V]` → `[B, 1 + N, D]`.
  ///
  /// - Parameter paths: What blocks leave out while a classifier is trained; nil for nothing.
  public func callAsFunction(_ patches: Tensor, dropping paths: DropPath? = nil) -> Tensor {
    encoded(embedded(patches) + positions[0, 1...], dropping: paths)
  }

  /// The class token after the last norm, `[B, N, V]` → `[B, D]`: as of all tokens, but the last
  /// block computes no other.
  public func classToken(of patches: Tensor) -> Tensor {
    var x = withClassToken(embedded(patches) + positions[0, 1...])
    for block in blocks.dropLast() { x = block(x) }
    x = blocks.last.map { $0(x, queries: 0..<1) } ?? x[.all, 0..<1]
    return (norm?(x) ?? x).squeezed(1)
  }

  /// How much each token attends to each in a block: `[B, N, V]` → `[B, H, 1 + N, 1 + N]`, the
  /// class token first; row `q` holds the shares of what goes into token `q`.
  ///
  /// - Parameter block: Counted from 0; nil for the last.
  public func attentionWeights(of patches: Tensor, block: Int? = nil) -> Tensor {
    let chosen = block ?? blocks.count - 1
    precondition(blocks.indices.contains(chosen), "block \(chosen) of \(blocks.count)")
    var x = withClassToken(embedded(patches) + positions[0, 1...])
    for block in blocks[..<chosen] { x = block(x) }
    return blocks[chosen].attentionWeights(x)
  }

  /// `[…, V]` → `[…, D]`: the patch convolution, on values that lie channel last.
  package func embedded(_ patches: Tensor) -> Tensor {
    patches.linear(patchWeight.permuted([0, 2, 3, 1]).flattened(from: 1), patchBias)
  }

  private func encoded(_ tokens: Tensor, dropping paths: DropPath? = nil) -> Tensor {
    var x = withClassToken(tokens)
    for (index, block) in blocks.enumerated() {
      x = block(
        x, dropping: paths?.rate(of: index, depth: blocks.count) ?? 0, using: paths,
        recomputing: recomputes)
    }
    return norm?(x) ?? x
  }

  /// `[B, K, D]` → `[B, 1 + K, D]`.
  private func withClassToken(_ tokens: Tensor) -> Tensor {
    let first = (classToken + positions[.all, 0..<1])
      .expanded([tokens.shape[0], 1, configuration.encoder.width])
    return concatenated([first, tokens], along: 1)
  }
}
