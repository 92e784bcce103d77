import DenseHeads
import MaskedAutoencoders
import TensorFiles
internal import Torch

// B batch, N patches, D width, H heads, d = D / H, W side of a window, R × S patches, C channels.

/// A detector as an ONNX graph; the computation of ``MaskRCNN``, operator by operator. Here are encoder
/// and pyramid; proposals, regions and masks are in files of their own.
struct DetectorGraph {
  var parts: TransformerGraph
  let model: ModelConfiguration
  let shape: DetectorShape
  let grid: PatchGrid
  let side: Int
  typealias Value = ONNXGraph.Value

  private static let encoder = "backbone.net."

  /// Takes weights that are those of their shape, for squares of a side.
  init(
    _ model: ModelConfiguration, _ shape: DetectorShape, _ tensors: [String: Tensor], side: Int,
    named name: String
  ) {
    self.model = model
    self.shape = shape
    self.side = side
    grid = PatchGrid(rows: side / model.patch, columns: side / model.patch)
    let own = tensors.map { name, tensor in
      (
        name.hasPrefix(Self.encoder) ? String(name.dropFirst(Self.encoder.count)) : name, tensor
      )
    }
    parts = TransformerGraph(
      PublishedWeights(
        configuration: model, tensors: Dictionary(own, uniquingKeysWith: { first, _ in first })),
      named: name)
  }

  /// The images' place in a graph: `pixel_values` `[B, C, S, S]`, normalised.
  mutating func pixels(batch: ONNXGraph.Size) -> Value {
    parts.graph.input(
      "pixel_values", [batch, .fixed(model.channels), .fixed(side), .fixed(side)])
  }

  /// Encoder and pyramid: `pixel_values` `[batch, C, S, S]` → maps `p2` … `p6` of strides from a quarter
  /// of the patch to four patches.
  mutating func buildPyramid() -> ONNXGraph {
    for (level, map) in pyramid(pixels(batch: "batch")).enumerated() {
      let size = grids[level].rows
      parts.graph.output(
        map, as: "p\(level + 2)",
        ["batch", .fixed(shape.channels), .fixed(size), .fixed(size)])
    }
    return parts.graph
  }

  /// The cells of each of the five levels.
  var grids: [PatchGrid] {
    let coarse = halves(grid.rows)
    return [4 * grid.rows, 2 * grid.rows, grid.rows, coarse, (coarse + 1) / 2].map {
      PatchGrid(rows: $0, columns: $0)
    }
  }

  /// The five maps of images.
  mutating func pyramid(_ pixels: Value) -> [Value] {
    let maps = encoded(pixels)
    var levels = shape.pyramid == .simple ? simple(maps[0]) : topDown(maps)
    // Every second pixel.
    levels.append(
      parts.graph.node(
        "MaxPool", [levels[3]],
        [("kernel_shape", .integers([1, 1])), ("strides", .integers([2, 2]))],
        as: "backbone.top_block/MaxPool"))
    return levels
  }

  private func halves(_ count: Int) -> Int { count < 2 ? count : count / 2 }

  // MARK: encoder

  private mutating func encoded(_ pixels: Value) -> [Value] {
    let width = model.encoder.width
    let patch = model.patch
    let cells = parts.graph.node(
      "Conv",
      [pixels, parts.weight("patch_embed.proj.weight"), parts.weight("patch_embed.proj.bias")],
      [("kernel_shape", .integers([patch, patch])), ("strides", .integers([patch, patch]))],
      as: "patch_embed/Conv")
    let flat = parts.reshaped(cells, [0, width, grid.count], as: "patch_embed/Reshape")
    let patches = parts.transposed(flat, [0, 2, 1], as: "patch_embed/Transpose")
    var table = parts.tensor("pos_embed")[.all, 1...]
    if grid != model.grid { table = resizedPositions(table, from: model.grid, to: grid) }
    var x = parts.graph.node(
      "Add", [patches, parts.graph.constant("patch_positions", table)], as: "pos_embed/Add")
    var maps: [Value] = []
    for block in 0..<model.encoder.depth {
      let name = "blocks.\(block)"
      let (shape, grid, model) = (shape, grid, model)
      x = parts.block(x, name) { parts, x in
        let attention = BlockAttention(name: name + ".attn", model: model, shape: shape)
        guard shape.backbone.isWindowed(block: block), let side = shape.backbone.window else {
          return attention(&parts, x, over: grid)
        }
        return attention(&parts, x, in: Windows(of: grid, side: side))
      }
      if shape.backbone.taps.contains(block + 1) {
        maps.append(
          parts.reshaped(
            parts.transposed(x, [0, 2, 1], as: name + "/Transpose.map"),
            [0, width, grid.rows, grid.columns], as: name + "/Reshape.map"))
      }
      if maps.count == shape.backbone.taps.count { break }
    }
    return maps
  }

  // MARK: pyramids

  private mutating func simple(_ map: Value) -> [Value] {
    let own = "backbone.simfp_"
    let first = parts.doubled(map, own + "2.0")
    let bent = parts.gelu(channelNorm(first, own + "2.1"), own + "2.2")
    let small = grid.rows < 2 ? map : parts.halved(map, as: own + "5.0/MaxPool")
    let maps = [
      (parts.doubled(bent, own + "2.3"), "2", 4), (parts.doubled(map, own + "3.0"), "3", 1),
      (map, "4", 0), (small, "5", 1),
    ]
    return maps.map { x, level, place in
      let side = normed(x, own + "\(level).\(place)", kernel: 1)
      return normed(side, own + "\(level).\(place + 1)", kernel: 3)
    }
  }

  private mutating func topDown(_ maps: [Value]) -> [Value] {
    let neck = "backbone.neck.upsample_"
    let first = parts.doubled(maps[0], neck + "4x.0")
    let bent = parts.gelu(groupNorm(first, neck + "4x.1", groups: 32), neck + "4x.2")
    let small = grid.rows < 2 ? maps[3] : parts.halved(maps[3], as: "backbone.neck/MaxPool")
    let four = [
      parts.doubled(bent, neck + "4x.3"), parts.doubled(maps[1], neck + "2x.0"), maps[2], small,
    ]
    var joined = four.enumerated().map { level, map in
      normed(map, "backbone.fpn_lateral\(level + 2)", kernel: 1)
    }
    for level in (0..<3).reversed() {
      let matrix = interpolationMatrix(grids[level + 1].rows, grids[level].rows, .nearest)
      let name = "backbone.fpn/"
      let larger = parts.product(joined[level + 1], matrix, matrix, as: name + "Resize.\(level)")
      joined[level] = parts.graph.node("Add", [joined[level], larger], as: name + "Add.\(level)")
    }
    return joined.enumerated().map { level, map in
      normed(map, "backbone.fpn_output\(level + 2)", kernel: 3)
    }
  }

  // MARK: layers

  /// A convolution that keeps the size, and its norm: over channels, or of the batch where it has running
  /// statistics.
  mutating func normed(_ x: Value, _ name: String, kernel: Int) -> Value {
    let y = parts.convolved(x, name, kernel: kernel)
    return parts.has(name + ".norm.running_mean")
      ? parts.batchNorm(y, name + ".norm") : channelNorm(y, name + ".norm")
  }

  /// A norm over the channels of each pixel.
  private mutating func channelNorm(_ x: Value, _ name: String) -> Value {
    let last = parts.transposed(x, [0, 2, 3, 1], as: name + "/Transpose")
    let normed = parts.norm(last, name, epsilon: 1e-6)
    return parts.transposed(normed, [0, 3, 1, 2], as: name + "/Transpose.back")
  }

  /// A norm over groups of channels, which opset 17 has as one over each of them as a line.
  private mutating func groupNorm(_ x: Value, _ name: String, groups: Int) -> Value {
    let width = model.encoder.width
    let size = 2 * grid.rows
    let lines = parts.reshaped(x, [0, groups, -1], as: name + "/Reshape")
    let ones = parts.graph.constant("ones.\(groups)", Tensor.ones([groups]))
    let zeros = parts.graph.constant("zeros.\(groups)", Tensor.zeros([groups]))
    let normed = parts.graph.node(
      "InstanceNormalization", [lines, ones, zeros], [("epsilon", .float(1e-5))],
      as: name + "/InstanceNormalization")
    let back = parts.reshaped(normed, [0, width, size, size], as: name + "/Reshape.back")
    func row(_ part: String) -> Value {
      parts.graph.constant(
        "\(name).\(part)", parts.tensor("\(name).\(part)").reshaped([width, 1, 1]))
    }
    let scaled = parts.graph.node("Mul", [back, row("weight")], as: name + "/Mul")
    return parts.graph.node("Add", [scaled, row("bias")], as: name + "/Add")
  }
}

/// The attention of a block, over a grid of patches or within windows.
private struct BlockAttention {
  let name: String
  let model: ModelConfiguration
  let shape: DetectorShape
  typealias Value = ONNXGraph.Value

  /// `[B, N, D]` → `[B, N, D]`
  func callAsFunction(
    _ parts: inout TransformerGraph, _ x: Value, over grid: PatchGrid, isWindow: Bool = false
  ) -> Value {
    parts.attention(x, name, tokens: grid.count) { parts, queries in
      switch shape.backbone.relativePositions {
      case .none: nil
      case .decomposed: decomposed(&parts, queries, grid)
      case .shared, .tables: table(&parts, grid, isWindow: isWindow)
      }
    }
  }

  /// The same within windows; zeros are added at the right and below until windows fill the grid.
  func callAsFunction(
    _ parts: inout TransformerGraph, _ x: Value, in windows: Windows
  ) -> Value {
    let (grid, count, side) = (windows.grid, windows.count, windows.side)
    let width = model.encoder.width
    let (rows, columns) = (count.rows * side, count.columns * side)
    var whole = parts.reshaped(x, [-1, grid.rows, grid.columns, width], as: name + "/Reshape.grid")
    if rows > grid.rows || columns > grid.columns {
      whole = parts.graph.node(
        "Pad",
        [whole, parts.sizes([0, 0, 0, 0, 0, rows - grid.rows, columns - grid.columns, 0])],
        as: name + "/Pad")
    }
    let divided = parts.transposed(
      parts.reshaped(
        whole, [-1, count.rows, side, count.columns, side, width], as: name + "/Reshape.divided"),
      [0, 1, 3, 2, 4, 5], as: name + "/Transpose.divided")
    let own = parts.reshaped(divided, [-1, side * side, width], as: name + "/Reshape.windows")
    let mixed = self(
      &parts, own, over: PatchGrid(rows: side, columns: side), isWindow: true)
    let back = parts.transposed(
      parts.reshaped(
        mixed, [-1, count.rows, count.columns, side, side, width], as: name + "/Reshape.mixed"),
      [0, 1, 3, 2, 4, 5], as: name + "/Transpose.joined")
    var joined = parts.reshaped(back, [-1, rows, columns, width], as: name + "/Reshape.joined")
    if rows > grid.rows || columns > grid.columns {
      joined = parts.graph.node(
        "Slice",
        [
          joined, parts.sizes([0, 0]), parts.sizes([grid.rows, grid.columns]), parts.sizes([1, 2]),
        ],
        as: name + "/Slice")
    }
    return parts.reshaped(joined, [-1, grid.count, width], as: name + "/Reshape.patches")
  }

  /// `q·R[y − y′] + q·C[x − x′]`: queries `[B, H, N, d]` → `[B, H, N, N]`.
  private func decomposed(
    _ parts: inout TransformerGraph, _ queries: Value, _ grid: PatchGrid
  ) -> Value {
    let heads = model.encoder.heads
    let width = model.encoder.width / heads
    let spread = parts.reshaped(
      queries, [-1, grid.rows, grid.columns, width], as: name + "/Reshape.spread")
    func vectors(_ axis: String, _ count: Int) -> Value {
      let table = parts.tensor("\(name).rel_pos_\(axis)")
      // [n, n, d] → [n, d, n]
      let own = DecomposedPositions.vectors(table, count).transposed(1, 2).contiguous()
      return parts.graph.constant("\(name).rel_pos_\(axis).\(count)", own)
    }
    let down = parts.graph.node(
      "MatMul", [spread, vectors("h", grid.rows)], as: name + "/MatMul.rows")  // [B·H, R, S, R]
    let turned = parts.transposed(spread, [0, 2, 1, 3], as: name + "/Transpose.turned")
    let right = parts.transposed(
      parts.graph.node(
        "MatMul", [turned, vectors("w", grid.columns)], as: name + "/MatMul.columns"),
      [0, 2, 1, 3], as: name + "/Transpose.right")  // [B·H, R, S, S]
    let bias = parts.graph.node(
      "Add",
      [
        parts.reshaped(
          down, [-1, grid.rows, grid.columns, grid.rows, 1], as: name + "/Reshape.rows"),
        parts.reshaped(
          right, [-1, grid.rows, grid.columns, 1, grid.columns], as: name + "/Reshape.columns"),
      ], as: name + "/Add.positions")
    return parts.reshaped(
      bias, [-1, heads, grid.count, grid.count], as: name + "/Reshape.bias")
  }

  /// `[1, H, N, N]` of a table that all blocks share.
  private func table(
    _ parts: inout TransformerGraph, _ grid: PatchGrid, isWindow: Bool
  ) -> Value {
    let scope = isWindow ? "window_positions" : "global_positions"
    let table = parts.tensor(scope + ".relative_position_bias_table")
    let known = isWindow ? grid : shape.backbone.relativeGrid ?? model.grid
    let fitted = known == grid ? table : resizedPositionTable(table, from: known, to: grid)
    let rows = parts.graph.constant(
      scope + ".index",
      PositionTable.index(of: grid, hasClassEntries: false).flattened().contiguous())
    let found = parts.graph.node(
      "Gather", [parts.graph.constant(scope + ".table", fitted), rows], [("axis", .integer(0))],
      as: name + "/Gather")
    return parts.transposed(
      parts.reshaped(
        found, [1, grid.count, grid.count, model.encoder.heads], as: name + "/Reshape.bias"),
      [0, 3, 1, 2], as: name + "/Transpose.bias")
  }
}
