package import MaskedAutoencoders
import WeightExchange

// N patches, K kept, D width, H hidden units of the perceptron, n tokens of a block, q of them queries.

/// What one image of a training step costs, and what is kept on the device whatever the batch.
package struct ModelCost: Hashable, Sendable {
  /// Floating-point operations of an image's forward pass; a multiplication and an addition are two.
  package var forward = 0.0
  /// Floating-point operations of its backward pass: twice the forward pass's, of what is trained.
  package var backward = 0.0
  /// Values of the model, trained or not, without the fixed position tables of pre-training.
  package var parameters = 0
  /// Values that have a gradient.
  package var trained = 0
  /// Tokens × width over all blocks that a backward pass goes through; a block keeps about 34 bytes
  /// for each in 16-bit arithmetic with fused attention.
  package var blockValues = 0
  /// Values of an image.
  package var pixels = 0

  /// Forward and backward pass.
  package var operations: Double { forward + backward }

  /// Adds operations that are trained, or only passed through.
  private mutating func add(_ operations: Int, trained: Bool = true) {
    forward += Double(operations)
    if trained { backward += 2 * Double(operations) }
  }

  /// Adds `count` blocks over `n` tokens, of which `q` are computed: `4nD² + 4qD² + 4nqD + 4qDH`.
  private mutating func add(
    _ count: Int, blocks shape: TransformerShape, tokens n: Int, queries q: Int? = nil,
    trained: Bool = true
  ) {
    let (q, d) = (q ?? n, shape.width)
    add(
      count * (4 * n * d * d + 4 * q * d * d + 4 * n * q * d + 4 * q * d * shape.hidden),
      trained: trained)
    if trained { blockValues += count * n * d }
  }

  private static func count(_ shapes: [(name: String, shape: [Int])]) -> Int {
    shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
  }
}

extension ModelCost {
  /// The cost of masked pre-training.
  ///
  /// - Parameters:
  ///   - kept: Visible patches, `K`.
  ///   - predictsAll: Whether the decoder predicts visible patches too, and its last block computes
  ///     their tokens.
  package init(
    pretraining model: ModelConfiguration, kept: Int, predictsAll: Bool = false
  ) {
    let patches = model.grid.count
    let encoded = 1 + (model.encodesMaskTokens ? patches : kept)
    add(2 * kept * model.patchValues * model.encoder.width)
    add(model.encoder.depth, blocks: model.encoder, tokens: encoded)
    if let decoder = model.decoder {
      let predicted = predictsAll ? patches : patches - kept
      if decoder.depth > 0 { add(2 * encoded * model.encoder.width * decoder.width) }
      add(max(0, decoder.depth - 1), blocks: decoder, tokens: patches + 1)
      add(
        min(1, decoder.depth), blocks: decoder, tokens: patches + 1,
        queries: predictsAll ? patches + 1 : predicted)
      add(2 * predicted * decoder.width * model.predictedValues)
    }
    parameters = Self.count(model.weightShapes().filter { !$0.name.hasSuffix("pos_embed") })
    trained =
      parameters
      - Self.count(model.weightShapes().filter { $0.name.hasPrefix(TargetBuffer.scope + ".") })
    pixels = model.channels * model.height * model.width
  }

  /// The cost of training a classifier: all tokens, and the backward pass of what is trained.
  ///
  /// - Parameters:
  ///   - part: What is trained beside the head.
  package init(
    classifying model: ModelConfiguration, classes: Int, training part: TrainableBlocks
  ) {
    let (depth, tokens) = (model.encoder.depth, model.grid.count + 1)
    let blocks =
      switch part {
      case .all: depth
      case .halfBlock: min(1, depth)
      case .lastBlocks(let count): min(count, depth)
      }
    add(2 * (tokens - 1) * model.patchValues * model.encoder.width, trained: part == .all)
    add(depth - blocks, blocks: model.encoder, tokens: tokens, trained: false)
    add(blocks, blocks: model.encoder, tokens: tokens)
    add(2 * model.encoder.width * classes)
    let shapes = model.weightShapes(
      head: ClassifierHead(classes: classes, normalizesBatches: false))
    parameters = Self.count(shapes)
    let names = (depth - blocks..<depth).map { "blocks.\($0)." }
    trained =
      part == .all
      ? parameters
      : Self.count(
        shapes.filter { entry in
          entry.name.hasPrefix("head.")
            || names.contains { entry.name.hasPrefix($0) }
              && (part != .halfBlock || entry.name.contains("mlp") || entry.name.contains("norm2"))
        })
    pixels = model.channels * model.height * model.width
  }
}
