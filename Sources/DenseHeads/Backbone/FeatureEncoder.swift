public import MaskedAutoencoders
public import Torch
public import TorchNN

// B batch, C channels, N = R·S patches in R rows and S columns, T tokens (N, or 1 + N with a class
// token), D width, H heads, d = D/H.

/// The encoder over whole images of any size, with maps after some of its blocks: what detection
/// and segmentation build on.
///
/// Weights have the names of ``/MaskedAutoencoders/PatchEncoder``, and beside them those of the
/// relative positions, which start at zero. There is no norm after the last block.
public struct FeatureEncoder: Module {
  public let scope: Scope
  /// The network; images may have another size.
  public let configuration: ModelConfiguration
  /// What it has beside that.
  public let shape: BackboneShape
  let encoder: PatchEncoder
  private let positions: [BlockPositions]
  private let scales: [(attention: Tensor, feedForward: Tensor)]

  /// What the logits of a block's attention get by where patches lie.
  private enum BlockPositions {
    case none
    case decomposed(DecomposedPositions)
    case table(PositionTable)
  }

  /// Declares the encoder's weights (`cls_token`, `pos_embed`, `patch_embed.proj`, `blocks`), and
  /// in each block `attn.rel_pos_h` and `attn.rel_pos_w`, or `attn.relative_position_bias_table`,
  /// and `gamma_1` and `gamma_2`, as the shape says; shared tables are `window_positions` and
  /// `global_positions`. Positions are trained.
  public init(_ configuration: ModelConfiguration, _ shape: BackboneShape, in scope: Scope) {
    self.scope = scope
    self.configuration = configuration
    self.shape = shape
    encoder = PatchEncoder(configuration, trainsPositions: true, hasNorm: false, in: scope)
    let (depth, heads) = (configuration.encoder.depth, configuration.encoder.heads)
    let whole = shape.relativeGrid ?? configuration.grid
    func reach(_ block: Int) -> PatchGrid {
      guard shape.isWindowed(block: block), let side = shape.window else { return whole }
      return PatchGrid(rows: side, columns: side)
    }
    var shared: [Bool: PositionTable] = [:]
    positions = (0..<depth).map { block in
      let own = scope["blocks", block]["attn"]
      switch shape.relativePositions {
      case .none: return .none
      case .decomposed:
        return .decomposed(
          DecomposedPositions(
            reach(block), headWidth: configuration.encoder.width / heads, in: own))
      case .tables:
        return .table(
          PositionTable(
            reach(block), heads: heads, hasClassEntries: shape.hasClassToken, in: own))
      case .shared:
        let isWindowed = shape.isWindowed(block: block)
        let table =
          shared[isWindowed]
          ?? PositionTable(
            reach(block), heads: heads, hasClassEntries: false,
            in: scope[isWindowed ? "window_positions" : "global_positions"])
        shared[isWindowed] = table
        return .table(table)
      }
    }
    scales =
      shape.layerScale.map { start in
        (0..<depth).map { block in
          let own = scope["blocks", block]
          let width = [configuration.encoder.width]
          return (
            own.parameter("gamma_1", width, .constant(start)),
            own.parameter("gamma_2", width, .constant(start))
          )
        }
      } ?? []
    if !shape.hasClassToken {
      let name = scope["cls_token"].path
      scope.store.freeze { $0 == name }
    }
  }

  /// Maps after the blocks that are tapped, in their order: images `[B, C, R·P, S·P]`, normalised →
  /// `[B, D, R, S]` each.
  ///
  /// - Parameter training: What is done in training only; nil outside of it.
  /// - Precondition: The patch divides the sides of the images.
  public func callAsFunction(_ images: Tensor, training: DenseTraining? = nil) -> [Tensor] {
    let side = configuration.patch
    let size = images.shape
    precondition(
      size.count == 4 && size[1] == configuration.channels && size[2] % side == 0
        && size[3] % side == 0 && size[2] > 0 && size[3] > 0,
      "images are \(size); expected [B, \(configuration.channels), H, W] with sides that the patch "
        + "\(side) divides")
    let grid = PatchGrid(rows: size[2] / side, columns: size[3] / side)
    var x = encoder.embedded(patches(of: images, side: side)) + places(grid)
    if shape.hasClassToken {
      let first = (encoder.classToken + encoder.positions[.all, 0..<1])
        .expanded([size[0], 1, configuration.encoder.width])
      x = concatenated([first, x], along: 1)
    }
    let indices = tableIndices(grid, on: x.device)
    var maps: [Tensor] = []
    for index in encoder.blocks.indices {
      let change = branches(of: index, batch: size[0], training?.paths)
      let apply = { (x: Tensor) in
        encoder.blocks[index](
          x, attending: { attend($0, $1, in: index, over: grid, indices) }, changing: change)
      }
      x = training?.recomputes == true ? Tensor.recomputed(x, apply) : apply(x)
      if shape.taps.contains(index + 1) { maps.append(map(of: x, grid)) }
      if index + 1 >= shape.taps.last ?? 0 { break }
    }
    return maps
  }

  /// Positions of a grid of patches, `[1, N, D]`; a table for another grid is interpolated
  /// bicubically without averaging, as ViTDet does at each pass, and trained through it.
  private func places(_ grid: PatchGrid) -> Tensor {
    let table = encoder.positions[.all, 1...]
    return grid == configuration.grid
      ? table : resizedPositions(table, from: configuration.grid, to: grid)
  }

  /// `[B, T, D]` → `[B, D, R, S]`.
  private func map(of tokens: Tensor, _ grid: PatchGrid) -> Tensor {
    let patches = shape.hasClassToken ? tokens[.all, 1...] : tokens
    return patches.transposed(1, 2).reshaped([tokens.shape[0], -1, grid.rows, grid.columns])
  }

  /// What a block does with the branches that it adds: LayerScale and drop path, whose draws are
  /// made here, so that a block that is computed twice is the same.
  private func branches(
    of block: Int, batch: Int, _ paths: DropPath?
  ) -> (Tensor, TransformerBlock.Branch) -> Tensor {
    let rate = paths?.rate(of: block, depth: encoder.blocks.count) ?? 0
    let kept = (
      attention: paths?.factors(for: batch, rate: rate),
      feedForward: paths?.factors(for: batch, rate: rate)
    )
    let scale = scales.isEmpty ? nil : scales[block]
    return { change, branch in
      let gamma = branch == .attention ? scale?.attention : scale?.feedForward
      let factors = branch == .attention ? kept.attention : kept.feedForward
      let scaled = gamma.map { change * $0.to(change.dtype) } ?? change
      return factors.map {
        scaled * $0.reshaped([batch, 1, 1]).to(change.dtype).sent(to: change.device)
      } ?? scaled
    }
  }

  // MARK: Attention

  /// Rows of the tables for windows and for the whole image, which all blocks share.
  private struct TableIndices {
    var window: Tensor?
    var whole: Tensor?
  }

  private func tableIndices(_ grid: PatchGrid, on device: Device) -> TableIndices {
    guard [.tables, .shared].contains(shape.relativePositions) else { return TableIndices() }
    return TableIndices(
      window: shape.window.map {
        PositionTable.index(
          of: PatchGrid(rows: $0, columns: $0), hasClassEntries: false, on: device)
      },
      whole: PositionTable.index(of: grid, hasClassEntries: shape.hasClassToken, on: device))
  }

  /// A block's attention: `[B, T, D]`, normalised → `[B, T, D]`.
  private func attend(
    _ attention: Attention, _ x: Tensor, in block: Int, over grid: PatchGrid,
    _ indices: TableIndices
  ) -> Tensor {
    guard shape.isWindowed(block: block), let side = shape.window else {
      return mixed(attention, x, positions[block], over: grid, indices.whole)
    }
    let windows = Windows(of: grid, side: side)
    return windows.joined(
      mixed(
        attention, windows.divided(x), positions[block],
        over: PatchGrid(rows: side, columns: side), indices.window))
  }

  private func mixed(
    _ attention: Attention, _ x: Tensor, _ positions: BlockPositions, over grid: PatchGrid,
    _ index: Tensor?
  ) -> Tensor {
    switch (positions, index) {
    case (.decomposed(let positions), _):
      let parts = attention.split(x)
      return attention.joined(
        positions.attention(queries: parts[0], keys: parts[1], values: parts[2], over: grid))
    case (.table(let table), let index?):
      let parts = attention.split(x)
      return attention.joined(
        Tensor.attention(
          queries: parts[0], keys: parts[1], values: parts[2],
          bias: table.bias(over: grid, index: index)))
    default: return attention(x)
    }
  }
}

/// Positions of patches for another grid, without a class token's: `[1, N, D]` → `[1, N′, D]`,
/// bicubically and without averaging (a = −¾). BEiT's and ViTDet's way; timm's and the
/// fine-tuning's is `resampledPositions`.
public func resizedPositions(
  _ table: Tensor, from grid: PatchGrid, to target: PatchGrid
) -> Tensor {
  let width = table.shape[2]
  return table.reshaped([1, grid.rows, grid.columns, width]).permuted([0, 3, 1, 2])
    .interpolated(rows: target.rows, columns: target.columns, mode: .plainBicubic)
    .permuted([0, 2, 3, 1]).reshaped([1, target.count, width])
}
