import MaskedAutoencoders
import TensorFiles
internal import Torch

// B batch, N patches, T = 1 + N tokens, D width, H heads, d = D / H, K classes.

/// An encoder or a classifier as an ONNX graph; the computation of ``PatchEncoder`` and
/// ``ImageClassifier``, operator by operator.
struct TransformerGraph {
  private let weights: PublishedWeights
  private let model: ModelConfiguration
  var graph: ONNXGraph
  typealias Value = ONNXGraph.Value

  /// Takes weights that are those of their configuration, without a batch normalisation.
  ///
  /// - Parameter name: What the graph is called; nil for the kind of model.
  init(_ weights: PublishedWeights, named name: String? = nil) {
    self.weights = weights
    model = weights.configuration
    graph = ONNXGraph(
      name: name ?? (weights.classifier == nil ? "encoder" : "classifier"))
  }

  private var width: Int { model.encoder.width }
  private var heads: Int { model.encoder.heads }
  private var tokens: Int { 1 + model.grid.count }

  /// The whole graph.
  mutating func build() -> ONNXGraph {
    let pixels = graph.input(
      "pixel_values",
      ["batch", .fixed(model.channels), .fixed(model.height), .fixed(model.width)])
    var x = embedded(pixels)
    for block in 0..<model.encoder.depth { x = self.block(x, "blocks.\(block)") }
    if weights.tensors["norm.weight"] != nil { x = norm(x, "norm") }
    guard let head = weights.classifier?.head else {
      graph.output(x, as: "last_hidden_state", ["batch", .fixed(tokens), .fixed(width)])
      return graph
    }
    let row = pooled(x, head.pooling)
    let logits = graph.node(
      "Gemm", [row, weight("head.weight"), weight("head.bias")], [("transB", .integer(1))],
      as: "head/Gemm")
    graph.output(logits, as: "logits", ["batch", .fixed(head.classes)])
    return graph
  }

  // MARK: parts

  /// Patches with their positions after the class token: `[B, C, H, W]` → `[B, T, D]`.
  mutating func embedded(_ pixels: Value) -> Value {
    let side = model.patch
    let grid = graph.node(
      "Conv", [pixels, weight("patch_embed.proj.weight"), weight("patch_embed.proj.bias")],
      [("kernel_shape", .integers([side, side])), ("strides", .integers([side, side]))],
      as: "patch_embed/Conv")  // [B, D, rows, columns]
    let flat = reshaped(grid, [0, width, tokens - 1], as: "patch_embed/Reshape")
    let patches = transposed(flat, [0, 2, 1], as: "patch_embed/Transpose")  // [B, N, D]
    let table = tensor("pos_embed")  // [1, T, D]
    let placed = graph.node(
      "Add", [patches, graph.constant("patch_positions", table[.all, 1..<tokens])],
      as: "pos_embed/Add")
    let first = graph.constant("class_token", tensor("cls_token") + table[.all, 0..<1])
    let batch = graph.node(
      "Shape", [pixels], [("start", .integer(0)), ("end", .integer(1))], as: "batch/Shape")
    let shape = graph.node(
      "Concat", [batch, sizes([1, width])], [("axis", .integer(0))], as: "batch/Concat")
    let classTokens = graph.node("Expand", [first, shape], as: "cls_token/Expand")  // [B, 1, D]
    return graph.node(
      "Concat", [classTokens, placed], [("axis", .integer(1))], as: "tokens/Concat")
  }

  /// `x + attention(norm(x))`, then `x + perceptron(norm(x))`; each branch times its scales where it
  /// has any.
  ///
  /// - Parameter bias: Added to the logits of attention, `[1, H, T, T]`; nil for none.
  mutating func block(_ x: Value, _ name: String, bias: Value? = nil) -> Value {
    block(x, name) { $0.attention($1, name + ".attn", bias: bias) }
  }

  /// A block whose attention is given.
  mutating func block(
    _ x: Value, _ name: String, attending attend: (inout TransformerGraph, Value) -> Value
  ) -> Value {
    let normalized = norm(x, name + ".norm1")
    let mixed = scaled(attend(&self, normalized), name, ".gamma_1")
    let y = graph.node("Add", [x, mixed], as: name + "/Add")
    let changed = scaled(perceptron(norm(y, name + ".norm2"), name + ".mlp"), name, ".gamma_2")
    return graph.node("Add", [y, changed], as: name + "/Add.2")
  }

  private mutating func scaled(_ branch: Value, _ block: String, _ scale: String) -> Value {
    guard weights.tensors[block + scale] != nil else { return branch }
    return graph.node("Mul", [branch, weight(block + scale)], as: block + "/Mul" + scale)
  }

  private mutating func attention(_ x: Value, _ name: String, bias: Value?) -> Value {
    attention(x, name, tokens: tokens) { _, _ in bias }
  }

  /// Attention over so many tokens: `[B, T, D]` → `[B, T, D]`.
  ///
  /// - Parameter bias: Added to the logits, `[…, H, T, T]`, made of the queries `[B, H, T, d]`, which are
  ///   not scaled.
  mutating func attention(
    _ x: Value, _ name: String, tokens: Int, bias: (inout TransformerGraph, Value) -> Value?
  ) -> Value {
    let thirds = graph.nodes(
      "Split", [linear(x, name + ".qkv"), sizes([width, width, width])],
      [("axis", .integer(-1))], as: ["q", "k", "v"].map { "\(name)/Split.\($0)" })
    let parts = zip(thirds, ["q", "k", "v"]).map { third, part in
      // [B, T, D] → [B, H, T, d], keys [B, H, d, T]
      transposed(
        reshaped(third, [0, tokens, heads, width / heads], as: "\(name)/Reshape.\(part)"),
        part == "k" ? [0, 2, 3, 1] : [0, 2, 1, 3], as: "\(name)/Transpose.\(part)")
    }
    let scale = scalar("attention_scale", 1 / Double(width / heads).squareRoot())
    let queries = graph.node("Mul", [parts[0], scale], as: name + "/Mul")
    var scores = graph.node("MatMul", [queries, parts[1]], as: name + "/MatMul.scores")
    if let bias = bias(&self, parts[0]) {
      scores = graph.node("Add", [scores, bias], as: name + "/Add.bias")
    }
    let shares = graph.node("Softmax", [scores], [("axis", .integer(-1))], as: name + "/Softmax")
    let mixed = graph.node("MatMul", [shares, parts[2]], as: name + "/MatMul.values")
    let joined = reshaped(
      transposed(mixed, [0, 2, 1, 3], as: name + "/Transpose"), [0, tokens, width],
      as: name + "/Reshape")
    return linear(joined, name + ".proj")
  }

  private mutating func perceptron(_ x: Value, _ name: String) -> Value {
    linear(gelu(linear(x, name + ".fc1"), name), name + ".fc2")
  }

  /// x · ½ · (1 + erf(x / √2))
  mutating func gelu(_ hidden: Value, _ name: String) -> Value {
    let scaled = graph.node(
      "Mul", [hidden, scalar("sqrt_half", 0.5.squareRoot())], as: name + "/Mul")
    let error = graph.node("Erf", [scaled], as: name + "/Erf")
    let sum = graph.node("Add", [error, scalar("one", 1)], as: name + "/Add")
    let product = graph.node("Mul", [hidden, sum], as: name + "/Mul.2")
    return graph.node("Mul", [product, scalar("half", 0.5)], as: name + "/Mul.3")
  }

  /// `[B, T, D]` → `[B, D]`
  private mutating func pooled(_ x: Value, _ pooling: ClassifierHead.Pooling) -> Value {
    guard pooling != .classToken else {
      let first = graph.constant("first", Tensor([Int64(0)], shape: []))
      return graph.node("Gather", [x, first], [("axis", .integer(1))], as: "pool/Gather")
    }
    let patches = graph.node(
      "Slice", [x, sizes([1]), sizes([tokens]), sizes([1])], as: "pool/Slice")
    let mean = graph.node(
      "ReduceMean", [patches], [("axes", .integers([1])), ("keepdims", .integer(0))],
      as: "pool/ReduceMean")
    return pooling == .normalizedMean ? norm(mean, "fc_norm") : mean
  }

  // MARK: layers

  private mutating func norm(_ x: Value, _ name: String) -> Value {
    norm(x, name, epsilon: model.normEpsilon)
  }

  /// A norm over the last dimension.
  mutating func norm(_ x: Value, _ name: String, epsilon: Double) -> Value {
    graph.node(
      "LayerNormalization", [x, weight(name + ".weight"), weight(name + ".bias")],
      [("axis", .integer(-1)), ("epsilon", .float(epsilon))],
      as: name + "/LayerNormalization")
  }

  /// `x·Wᵀ + b`; the constant is the transposed weight.
  private mutating func linear(_ x: Value, _ name: String) -> Value {
    let weight = graph.constant(
      name + ".weight", tensor(name + ".weight").transposed(0, 1))
    let product = graph.node("MatMul", [x, weight], as: name + "/MatMul")
    guard weights.tensors[name + ".bias"] != nil else { return product }
    return graph.node("Add", [product, self.weight(name + ".bias")], as: name + "/Add")
  }

  mutating func reshaped(_ x: Value, _ shape: [Int], as name: String) -> Value {
    graph.node("Reshape", [x, sizes(shape)], as: name)
  }

  mutating func transposed(_ x: Value, _ order: [Int], as name: String) -> Value {
    graph.node("Transpose", [x], [("perm", .integers(order))], as: name)
  }

  mutating func weight(_ name: String) -> Value { graph.constant(name, tensor(name)) }

  func has(_ name: String) -> Bool { weights.tensors[name] != nil }

  func tensor(_ name: String) -> Tensor {
    (weights.tensors[name] ?? Tensor()).detached().to(.cpu).to(.float32)
  }

  mutating func scalar(_ name: String, _ value: Double) -> Value {
    graph.constant(name, Tensor(Float(value)))
  }

  /// A list of whole numbers; equal lists are one constant.
  mutating func sizes(_ values: [Int]) -> Value {
    graph.constant("sizes." + values.map(String.init).joined(separator: "x"), Tensor(values))
  }
}

// What maps are computed with: `[B, C, H, W]`.
extension TransformerGraph {
  /// A map twice as large.
  mutating func doubled(_ x: Value, _ name: String) -> Value {
    graph.node(
      "ConvTranspose", [x, weight(name + ".weight"), weight(name + ".bias")],
      [("kernel_shape", .integers([2, 2])), ("strides", .integers([2, 2]))],
      as: name + "/ConvTranspose")
  }

  /// The largest of each 2 × 2 pixels.
  mutating func halved(_ x: Value, as name: String) -> Value {
    graph.node(
      "MaxPool", [x], [("kernel_shape", .integers([2, 2])), ("strides", .integers([2, 2]))],
      as: name)
  }

  /// A convolution that keeps the size, with its bias where it has one.
  ///
  /// - Parameter label: What the value is called where several are computed by the same weights.
  mutating func convolved(
    _ x: Value, _ name: String, kernel: Int, as label: String? = nil
  ) -> Value {
    let edge = kernel / 2
    let bias = has(name + ".bias") ? [weight(name + ".bias")] : []
    return graph.node(
      "Conv", [x, weight(name + ".weight")] + bias,
      [
        ("kernel_shape", .integers([kernel, kernel])),
        ("pads", .integers([edge, edge, edge, edge])),
      ], as: (label ?? name) + "/Conv")
  }

  /// Batch normalisation by the running statistics.
  mutating func batchNorm(_ x: Value, _ name: String) -> Value {
    graph.node(
      "BatchNormalization",
      [x] + ["weight", "bias", "running_mean", "running_var"].map { weight("\(name).\($0)") },
      [("epsilon", .float(1e-5))], as: name + "/BatchNormalization")
  }

  /// `A·x·Bᵀ` for each channel.
  mutating func product(
    _ x: Value, _ rows: Tensor, _ columns: Tensor, as name: String
  ) -> Value {
    let right = graph.constant(
      "columns.\(columns.shape[1])x\(columns.shape[0]).\(name)",
      columns.transposed(0, 1).contiguous())
    let left = graph.constant("rows.\(rows.shape[1])x\(rows.shape[0]).\(name)", rows)
    let wide = graph.node("MatMul", [x, right], as: name + ".columns")
    return graph.node("MatMul", [left, wide], as: name)
  }
}

/// What an interpolation makes of each place of a line: `[wanted, count]`.
func interpolationMatrix(_ count: Int, _ wanted: Int, _ mode: Tensor.InterpolationMode) -> Tensor {
  Tensor.arange(0..<count).oneHot(count).to(.float32).reshaped([1, count, count, 1])
    .interpolated(rows: wanted, columns: 1, mode: mode).reshaped([count, wanted])
    .transposed(0, 1).contiguous()
}
