public import MaskedAutoencoders
public import Torch
public import TorchNN

// H heads, N = R·S patches, T = N tokens or 1 + N with a class token.

/// Relative positions as a table of numbers, one for each head and each way two patches can lie to
/// each other (Liu et al., 2021, “Swin Transformer”, §3.2; Bao et al., 2022, “BEiT”): what is added
/// to the logit of a query and a key.
public struct PositionTable: Module {
  public let scope: Scope
  /// The patches that the table is for.
  public let grid: PatchGrid
  /// Whether the last three rows are for the class token: as query, as key, as both.
  public let hasClassEntries: Bool
  let table: Tensor  // [(2R − 1)·(2S − 1) (+ 3), H]

  /// Declares `relative_position_bias_table`, zeros.
  public init(_ grid: PatchGrid, heads: Int, hasClassEntries: Bool, in scope: Scope) {
    self.scope = scope
    self.grid = grid
    self.hasClassEntries = hasClassEntries
    table = scope.parameter(
      "relative_position_bias_table",
      [Self.differences(grid) + (hasClassEntries ? 3 : 0), heads], .constant(0))
  }

  /// How many ways there are for two patches of a grid to lie to each other.
  static func differences(_ grid: PatchGrid) -> Int { (2 * grid.rows - 1) * (2 * grid.columns - 1) }

  /// The bias of every query (second dimension) and key (last): `[H, T, T]`.
  ///
  /// - Parameter index: ``PositionTable/index(of:hasClassEntries:on:)`` of the grid.
  public func bias(over grid: PatchGrid, index: Tensor) -> Tensor {
    let tokens = index.shape[0]
    return fitted(to: grid).selected(index.flattened(), along: 0)  // [T·T, H]
      .reshaped([tokens, tokens, -1]).permuted([2, 0, 1])
  }

  /// The table for another grid: its numbers are a picture of the differences, which is interpolated
  /// bicubically, and the class token's stay as they are.
  func fitted(to target: PatchGrid) -> Tensor {
    guard target != grid else { return table }
    return resizedPositionTable(table, from: grid, to: target)
  }

  /// The row of the table for each query (first dimension) and key: `[T, T]` int64. Row
  /// (Δy + R − 1)·(2S − 1) + Δx + S − 1 with Δ = query − key; the class token's come last.
  public static func index(
    of grid: PatchGrid, hasClassEntries: Bool, on device: Device = .cpu
  ) -> Tensor {
    let (y, x) = grid.places
    let down = y.unsqueezed(1) - y.unsqueezed(0) + (grid.rows - 1)
    let right = x.unsqueezed(1) - x.unsqueezed(0) + (grid.columns - 1)
    var index = down * (2 * grid.columns - 1) + right
    if hasClassEntries {
      let first = differences(grid)
      let count = grid.count
      func filled(_ shape: [Int], _ value: Int) -> Tensor {
        Tensor.full(shape, Double(value), dtype: .int64)
      }
      index = concatenated(
        [
          concatenated([filled([1, 1], first + 2), filled([1, count], first)], along: 1),
          concatenated([filled([count, 1], first + 1), index], along: 1),
        ], along: 0)
    }
    return index.sent(to: device)
  }
}

/// A table of relative positions for another grid of patches: `[(2R − 1)·(2S − 1) + e, H]` →
/// `[(2R′ − 1)·(2S′ − 1) + e, H]`. What lies behind the differences, `e` rows, stays as it is.
public func resizedPositionTable(
  _ table: Tensor, from grid: PatchGrid, to target: PatchGrid
) -> Tensor {
  let (count, heads) = (PositionTable.differences(grid), table.shape[1])
  precondition(
    table.shape[0] >= count, "\(table.shape[0]) rows are no table of \(grid)")
  let picture = table.narrowed(0, to: 0..<count)
    .reshaped([1, 2 * grid.rows - 1, 2 * grid.columns - 1, heads]).permuted([0, 3, 1, 2])
  let patches = picture.interpolated(
    rows: 2 * target.rows - 1, columns: 2 * target.columns - 1, mode: .plainBicubic
  ).permuted([0, 2, 3, 1]).reshaped([-1, heads])
  return concatenated([patches, table.narrowed(0, to: count..<table.shape[0])], along: 0)
}
