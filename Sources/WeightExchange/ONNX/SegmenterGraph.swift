package import DenseHeads
package import MaskedAutoencoders
package import FileSystem
import TensorFiles
package import Torch

// B batch, T = 1 + N tokens, D width, H heads, R × S patches, C channels, K classes.

/// A segmenter as an ONNX graph; the computation of ``SemanticSegmenter``, operator by operator.
///
/// Everything that resizes a map, to whatever size, is a product with a matrix from the left and one
/// from the right: bilinear interpolation and means over parts are linear in rows and in columns, and
/// every program that runs ONNX agrees on products.
struct SegmenterGraph {
  private var parts: TransformerGraph
  private let model: ModelConfiguration
  private let shape: SegmenterShape
  private typealias Value = ONNXGraph.Value

  /// Height and width of a map.
  private typealias Size = (rows: Int, columns: Int)

  /// Takes weights that are those of their shape.
  init(_ model: ModelConfiguration, _ shape: SegmenterShape, _ tensors: [String: Tensor]) {
    self.model = model
    self.shape = shape
    parts = TransformerGraph(
      PublishedWeights(configuration: model, tensors: tensors), named: "segmenter")
  }

  /// The whole graph: `pixel_values` `[batch, C, H, W]`, normalised, of the model's size → `logits`
  /// `[batch, K, H, W]`.
  mutating func build() -> ONNXGraph {
    let pixels = parts.graph.input(
      "pixel_values",
      ["batch", .fixed(model.channels), .fixed(model.height), .fixed(model.width)])
    var maps = encoded(pixels)
    let grid = (rows: model.grid.rows, columns: model.grid.columns)
    var sizes = [Size](repeating: grid, count: maps.count)
    if shape.decoder.hasPyramid { (maps, sizes) = pyramid(maps, grid) }
    var (scores, size) =
      switch shape.decoder {
      case .upernet: unified(maps, sizes)
      case .pyramid: added(maps, sizes)
      case .linear: (linear(maps[maps.count - 1]), grid)
      }
    scores = resized(scores, size, (model.height, model.width), as: "logits/Resize")
    parts.graph.output(
      scores, as: "logits",
      ["batch", .fixed(shape.classes), .fixed(model.height), .fixed(model.width)])
    size = (model.height, model.width)
    return parts.graph
  }

  // MARK: encoder

  private mutating func encoded(_ pixels: Value) -> [Value] {
    var x = parts.embedded(pixels)
    let index = biasIndex()
    var maps: [Value] = []
    for block in 0..<model.encoder.depth {
      let name = "blocks.\(block)"
      x = parts.block(x, name, bias: index.map { bias($0, name) })
      if shape.backbone.taps.contains(block + 1) { maps.append(map(of: x, name)) }
      if maps.count == shape.backbone.taps.count { break }
    }
    return maps
  }

  /// Rows of the tables, one constant for all blocks: `[T·T]`.
  private mutating func biasIndex() -> Value? {
    guard shape.backbone.relativePositions == .tables else { return nil }
    let index = PositionTable.index(of: model.grid, hasClassEntries: true)
    return parts.graph.constant("relative_position_index", index.flattened().contiguous())
  }

  /// `[1, H, T, T]`
  private mutating func bias(_ index: Value, _ block: String) -> Value {
    let name = block + ".attn.relative_position_bias_table"
    let tokens = 1 + model.grid.count
    let rows = parts.graph.node(
      "Gather", [parts.weight(name), index], [("axis", .integer(0))], as: name + "/Gather")
    let table = parts.reshaped(
      rows, [1, tokens, tokens, model.encoder.heads], as: name + "/Reshape")
    return parts.transposed(table, [0, 3, 1, 2], as: name + "/Transpose")
  }

  /// `[B, T, D]` → `[B, D, R, S]`
  private mutating func map(of tokens: Value, _ block: String) -> Value {
    let count = 1 + model.grid.count
    let patches = parts.graph.node(
      "Slice", [tokens, parts.sizes([1]), parts.sizes([count]), parts.sizes([1])],
      as: block + "/Slice")
    return parts.reshaped(
      parts.transposed(patches, [0, 2, 1], as: block + "/Transpose.map"),
      [0, model.encoder.width, model.grid.rows, model.grid.columns], as: block + "/Reshape.map")
  }

  // MARK: pyramid

  private mutating func pyramid(_ maps: [Value], _ grid: Size) -> ([Value], [Size]) {
    let (rows, columns) = grid
    var large = parts.doubled(maps[0], "neck.upsample_4x.0")
    large = parts.gelu(parts.batchNorm(large, "neck.upsample_4x.1"), "neck.upsample_4x.2")
    let halves = min(rows, columns) >= 2
    let small =
      halves
      ? parts.halved(maps[3], as: "neck/MaxPool") : maps[3]
    return (
      [
        parts.doubled(large, "neck.upsample_4x.3"), parts.doubled(maps[1], "neck.upsample_2x.0"),
        maps[2],
        small,
      ],
      [
        (4 * rows, 4 * columns), (2 * rows, 2 * columns), grid,
        halves ? (rows / 2, columns / 2) : grid,
      ]
    )
  }

  // MARK: decoders

  private mutating func unified(_ maps: [Value], _ sizes: [Size]) -> (Value, Size) {
    let head = "decode_head."
    var levels = (0..<3).map { block(maps[$0], head + "lateral_convs.\($0)", kernel: 1) }
    levels.append(pooled(maps[3], sizes[3]))
    levels = topDown(levels, sizes)
    let finer = (0..<3).map { block(levels[$0], head + "fpn_convs.\($0)", kernel: 3) }
    let same = zip(finer + [levels[3]], sizes).enumerated().map { level, part in
      resized(part.0, part.1, sizes[0], as: head + "fpn/Resize.\(level)")
    }
    let joined = parts.graph.node("Concat", same, [("axis", .integer(1))], as: head + "fpn/Concat")
    return (scores(block(joined, head + "fpn_bottleneck", kernel: 3)), sizes[0])
  }

  private mutating func pooled(_ x: Value, _ size: Size) -> Value {
    let head = "decode_head."
    var means: [Value] = []
    for (index, side) in PyramidPooling.sides.enumerated() {
      let name = head + "psp_modules.\(index).1"
      let mean = parts.product(
        x, meansMatrix(size.rows, side), meansMatrix(size.columns, side), as: name + "/Pool")
      means.append(
        resized(block(mean, name, kernel: 1), (side, side), size, as: name + "/Resize"))
    }
    let joined = parts.graph.node(
      "Concat", [x] + means, [("axis", .integer(1))], as: head + "psp/Concat")
    return block(joined, head + "bottleneck", kernel: 3)
  }

  private mutating func added(_ maps: [Value], _ sizes: [Size]) -> (Value, Size) {
    let head = "decode_head."
    let levels = topDown(
      (0..<4).map { parts.convolved(maps[$0], head + "lateral_convs.\($0)", kernel: 1) }, sizes)
    let same = (0..<4).map { level in
      resized(
        block(levels[level], head + "fpn_convs.\(level)", kernel: 3), sizes[level], sizes[0],
        as: head + "fpn/Resize.\(level)")
    }
    var sum = same[0]
    for level in 1..<4 {
      sum = parts.graph.node("Add", [sum, same[level]], as: head + "fpn/Add.\(level)")
    }
    return (scores(sum), sizes[0])
  }

  private mutating func linear(_ map: Value) -> Value {
    scores(parts.batchNorm(map, "decode_head.bn"))
  }

  private mutating func topDown(_ maps: [Value], _ sizes: [Size]) -> [Value] {
    var maps = maps
    for level in (1..<maps.count).reversed() {
      let larger = resized(
        maps[level], sizes[level], sizes[level - 1], as: "decode_head.top_down/Resize.\(level)")
      maps[level - 1] = parts.graph.node(
        "Add", [maps[level - 1], larger], as: "decode_head.top_down/Add.\(level)")
    }
    return maps
  }

  private mutating func scores(_ x: Value) -> Value {
    parts.convolved(x, "decode_head.conv_seg", kernel: 1)
  }

  // MARK: layers

  private mutating func block(_ x: Value, _ name: String, kernel: Int) -> Value {
    parts.graph.node(
      "Relu", [parts.batchNorm(parts.convolved(x, name + ".conv", kernel: kernel), name + ".bn")],
      as: name + "/Relu")
  }

  /// A map at another size, bilinearly.
  private mutating func resized(
    _ x: Value, _ size: Size, _ wanted: Size, as name: String
  ) -> Value {
    if size == wanted { return x }
    return parts.product(
      x, interpolationMatrix(size.rows, wanted.rows, .bilinear),
      interpolationMatrix(size.columns, wanted.columns, .bilinear), as: name)
  }

  /// The means over parts that divide a length as evenly as they can: `[parts, count]`.
  private func meansMatrix(_ count: Int, _ parts: Int) -> Tensor {
    identity(count).reshaped([1, count, count, 1])
      .adaptiveAvgPool2d(rows: parts, columns: 1).reshaped([count, parts])
      .transposed(0, 1).contiguous()
  }

  private func identity(_ count: Int) -> Tensor {
    Tensor.arange(0..<count).oneHot(count).to(.float32)
  }
}

/// Writes a segmenter as an ONNX file (opset 17): `pixel_values` `[batch, C, H, W]`, normalised, of the
/// model's size → `logits` `[batch, K, H, W]`, a score for each class and pixel. The auxiliary head is
/// left out.
///
/// - Parameters:
///   - metadata: Free text by key.
///   - limit: Bytes of weights from which they go into a file of their own beside it.
/// - Throws: `FileError` where the file cannot be written.
package func writeSegmenterONNX(
  _ model: ModelConfiguration, _ shape: SegmenterShape, _ tensors: [String: Tensor],
  metadata: [(key: String, value: String)], to path: String, inlining limit: Int? = nil
) throws(FileError) {
  var segmenter = SegmenterGraph(model, shape, tensors)
  var graph = segmenter.build()
  graph.metadata = metadata
  try graph.write(to: path, inlining: limit ?? ONNXGraph.inlineLimit)
}
