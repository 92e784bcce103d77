public import MaskedAutoencoders
public import Torch
public import TorchNN

// B batch, H heads, N = R·S patches, d width of a head.

/// ViTDet's relative positions of a block: the logit of a query in row y and column x and a key in
/// row y′ and column x′ is q·k/√d + q·R[y − y′] + q·C[x − x′] (Li et al., 2022; the query is not
/// scaled in the two last terms, as in the published code).
public struct DecomposedPositions: Module {
  public let scope: Scope
  /// `[2·rows − 1, d]`.
  let rows: Tensor
  /// `[2·columns − 1, d]`.
  let columns: Tensor

  /// Declares `rel_pos_h` and `rel_pos_w`, zeros.
  ///
  /// - Parameter grid: The patches that attention reaches over.
  public init(_ grid: PatchGrid, headWidth: Int, in scope: Scope) {
    self.scope = scope
    rows = scope.parameter("rel_pos_h", [2 * grid.rows - 1, headWidth], .constant(0))
    columns = scope.parameter("rel_pos_w", [2 * grid.columns - 1, headWidth], .constant(0))
  }

  /// Attention over a grid: queries, keys and values `[B, H, N, d]` → `[B, H, N, d]`.
  ///
  /// A learned bias as a mask keeps libtorch's fused attention from working in training, which then
  /// holds all `N²` logits. So what the positions add is put into the product: a query's answers for
  /// each row and column are appended to it, and to each key the row and column that it lies in, as
  /// ones among zeros. The logits are the same and are never held at once.
  ///
  /// - Parameter kernel: How it is computed; nil for what is chosen for this many tokens.
  public func attention(
    queries: Tensor, keys: Tensor, values: Tensor, over grid: PatchGrid,
    kernel: AttentionKernel? = nil
  ) -> Tensor {
    let shape = queries.shape
    let (batch, heads, count, width) = (shape[0], shape[1], shape[2], shape[3])
    let scale = 1 / Double(width).squareRoot()
    let spread = queries.reshaped([batch * heads, grid.rows, grid.columns, width])
    let down = Tensor.einsum("bhwc,hkc->bhwk", spread, Self.vectors(rows, grid.rows))
    let right = Tensor.einsum("bhwc,wkc->bhwk", spread, Self.vectors(columns, grid.columns))
    guard usesFused(kernel, keys) else {
      let bias =
        down.unsqueezed(4) + right.unsqueezed(3)  // [B·H, R, S, R, S]
      return Tensor.attention(
        queries: queries, keys: keys, values: values,
        bias: bias.reshaped([batch, heads, count, count]), kernel: .plain)
    }
    let answers = concatenated([down, right], along: 3)
      .reshaped([batch, heads, count, grid.rows + grid.columns]).to(queries.dtype)
    let lies = places(of: grid).to(keys.dtype).sent(to: keys.device)
      .expanded([batch, heads, count, grid.rows + grid.columns])
    return Tensor.attention(
      queries: concatenated([queries * scale, answers], along: 3),
      keys: concatenated([keys, lies], along: 3),
      values: values.padded([0, grid.rows + grid.columns]), bias: nil, scale: 1, kernel: .fused
    ).narrowed(3, to: 0..<width)
  }

  private func usesFused(_ kernel: AttentionKernel?, _ keys: Tensor) -> Bool {
    switch kernel {
    case .plain?: false
    case .fused?: true
    // The plain product holds a few hundred tokens' logits without loss.
    case nil: keys.device.kind != .cpu || keys.shape[2] > 256
    }
  }

  /// The vector of each pair of places: `[L, d]` → `[n, n, d]`. A table for another length is
  /// interpolated on lines.
  package static func vectors(_ table: Tensor, _ count: Int) -> Tensor {
    let length = 2 * count - 1
    let fitted =
      table.shape[0] == length
      ? table
      : table.transposed(0, 1).unsqueezed(0).interpolated(length: length).squeezed(0)
        .transposed(0, 1)
    let place = Tensor.arange(0..<count, device: table.device)
    let difference = place.unsqueezed(1) - place.unsqueezed(0) + (count - 1)
    return fitted.selected(difference.flattened(), along: 0).reshaped([count, count, -1])
  }

  /// The row and column of each patch as ones among zeros: `[N, R + S]`.
  private func places(of grid: PatchGrid) -> Tensor {
    let (y, x) = grid.places
    return concatenated([y.oneHot(grid.rows), x.oneHot(grid.columns)], along: 1)
  }
}

extension PatchGrid {
  /// Row and column of each patch, `[N]` each, as int64.
  var places: (rows: Tensor, columns: Tensor) {
    (
      Tensor.arange(0..<rows).unsqueezed(1).expanded([rows, columns]).flattened(),
      Tensor.arange(0..<columns).unsqueezed(0).expanded([rows, columns]).flattened()
    )
  }
}
