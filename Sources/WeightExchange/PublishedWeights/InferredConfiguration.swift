public import MaskedAutoencoders

/// What weights alone do not say of their model, given by whoever knows.
public struct ConfigurationHints: Hashable, Sendable {
  /// Attention heads of the encoder.
  public var heads: Int?
  /// Attention heads of the decoder.
  public var decoderHeads: Int?
  /// Rows and columns of patches, where the image is not square.
  public var grid: PatchGrid?
  /// What the decoder predicts.
  public var target: ReconstructionTarget?
  /// Epsilon of the layer normalisations.
  public var normEpsilon: Double?
  /// What the names of the model's weights begin with, such as `backbone.`.
  public var prefix: String?
  /// Under which key of a checkpoint the weights are, such as `state_dict_ema`.
  public var key: String?
  /// Which samples of images with 16 bits a sample become black and white; also for checkpoints.
  public var valueRange: ClosedRange<Int>?

  /// Creates hints; what is nil is inferred or assumed.
  public init(
    heads: Int? = nil, decoderHeads: Int? = nil, grid: PatchGrid? = nil,
    target: ReconstructionTarget? = nil, normEpsilon: Double? = nil, prefix: String? = nil,
    key: String? = nil, valueRange: ClosedRange<Int>? = nil
  ) {
    self.heads = heads
    self.decoderHeads = decoderHeads
    self.grid = grid
    self.target = target
    self.normEpsilon = normEpsilon
    self.prefix = prefix
    self.key = key
    self.valueRange = valueRange
  }
}

/// A configuration read from the shapes of weights, with what had to be assumed.
public struct InferredConfiguration: Hashable, Sendable {
  /// The configuration.
  public let configuration: ModelConfiguration
  /// What the shapes do not say and was assumed, each as a sentence without a full stop.
  public let assumptions: [String]
}

/// A configuration that the shapes of weights do not give.
public struct InferenceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is missing or ambiguous, and what to give.
  public let message: String
  public var description: String { message }
}

extension InferredConfiguration {
  /// Heads of the published models by width: ViT-Ti, -S, -B, -L, -H.
  static let encoderHeads = [192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16]
  /// Heads of the paper's decoder.
  static let decoderHeads = [512: 16]

  /// Reads a configuration from shapes under this library's names.
  ///
  /// Widths, depths, patch size, channels and hidden units are in the shapes. The number of heads
  /// is not: it is taken from the published model of that width. A grid of patches is taken to be
  /// square.
  ///
  /// - Throws: ``InferenceError`` when a shape that is needed is not there, or heads or grid are
  ///   neither given nor known.
  public init(
    shapes: [String: [Int]], hints: ConfigurationHints = .init(), format: PublishedFormat
  ) throws(InferenceError) {
    var assumptions: [String] = []
    func shape(_ name: String, rank: Int) throws(InferenceError) -> [Int] {
      guard let shape = shapes[name], shape.count == rank, !shape.contains(0) else {
        let found = shapes[name].map { "is \($0)" } ?? "is missing"
        throw InferenceError(
          message: "the model cannot be told from its weights: \(name) \(found); expected "
            + "\(rank) sizes")
      }
      return shape
    }
    func stack(_ prefix: String, width: Int, heads: Int) throws(InferenceError) -> TransformerShape
    {
      let hidden = try shape(prefix + "0.mlp.fc1.weight", rank: 2)[0]
      var depth = 1
      while shapes["\(prefix)\(depth).norm1.weight"] != nil { depth += 1 }
      return TransformerShape(
        width: width, depth: depth, heads: heads, mlpRatio: Double(hidden) / Double(width))
    }
    func heads(
      _ given: Int?, width: Int, known: [Int: Int], of part: String
    ) throws(InferenceError) -> Int {
      if let given { return given }
      guard let heads = known[width] else {
        throw InferenceError(
          message: "the number of attention heads of the \(part) is not in the weights, and its "
            + "width \(width) is none of \(known.keys.sorted().map(String.init).joined(separator: ", "))"
            + ", for which it is known; give the number of heads (--heads, --decoder-heads)")
      }
      assumptions.append(
        "the \(part) has \(heads) attention heads, as published for its width \(width)")
      return heads
    }

    let projection = try shape("patch_embed.proj.weight", rank: 4)
    let (width, channels, patch) = (projection[0], projection[1], projection[2])
    guard projection[2] == projection[3] else {
      throw InferenceError(
        message: "patches of \(projection[2]) × \(projection[3]) pixels; only square ones are "
          + "supported")
    }
    let positions = try shape("pos_embed", rank: 3)[1] - 1
    let grid: PatchGrid
    if let given = hints.grid {
      grid = given
    } else {
      let side = Int(Double(positions).squareRoot().rounded())
      guard side > 0, side * side == positions else {
        throw InferenceError(
          message: "\(positions) patches are no square; give their rows and columns (--grid)")
      }
      grid = PatchGrid(rows: side, columns: side)
      assumptions.append("the image is square, \(side * patch) × \(side * patch) pixels")
    }
    let encoder = try stack(
      "blocks.", width: width,
      heads: heads(hints.heads, width: width, known: Self.encoderHeads, of: "encoder"))
    var decoder: TransformerShape?
    let isLinear =
      shapes["mask_token"]?.last == width && shapes["decoder_embed.weight"] == nil
      && shapes["decoder_pred.weight"]?.last == width
    if isLinear {
      decoder = TransformerShape(width: width, depth: 0, heads: encoder.heads)
    } else if shapes.keys.contains(where: PublishedFormat.isDecoder) {
      let width = try shape("decoder_embed.weight", rank: 2)[0]
      decoder = try stack(
        "decoder_blocks.", width: width,
        heads: heads(hints.decoderHeads, width: width, known: Self.decoderHeads, of: "decoder"))
    }
    if decoder != nil, hints.target == nil {
      assumptions.append("the decoder predicts normalised pixels")
    }
    let epsilon = hints.normEpsilon ?? (format == .huggingFace ? 1e-12 : 1e-6)
    if hints.normEpsilon == nil {
      assumptions.append("layer normalisations have the epsilon \(epsilon)")
    }
    // Between widths that are equal the shapes do not tell whose the mask token is.
    let maskWidth = shapes["mask_token"]?.last
    configuration = ModelConfiguration(
      height: grid.rows * patch, width: grid.columns * patch, channels: channels, patch: patch,
      encoder: encoder, decoder: decoder, target: hints.target ?? .normalizedPixels,
      normEpsilon: epsilon, qkvBias: shapes["blocks.0.attn.qkv.bias"] != nil,
      encodesMaskTokens: isLinear
        || decoder.map { maskWidth == width && maskWidth != $0.width } ?? false)
    self.assumptions = assumptions
    if let problem = configuration.problems.first {
      throw InferenceError(message: "\(problem.path) \(problem.message)")
    }
  }
}
