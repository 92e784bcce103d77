public import MaskedAutoencoders

/// What the shapes of a segmenter's weights say of it.
public struct InferredSegmenter: Hashable, Sendable {
  /// The encoder; its images are those that the tables of relative positions, or else the positions,
  /// are for.
  public var configuration: ModelConfiguration
  /// The rest.
  public var shape: SegmenterShape
  /// What shapes do not say and was assumed, each as a sentence.
  public var assumptions: [String]
  /// Whether the file holds positions; BEiT's have none, which is as though they were zero.
  public var hasPositions: Bool

  /// A segmenter that cannot be told from its shapes.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is missing or does not go together.
    public let description: String
  }

  /// Looks at shapes under this library's names.
  ///
  /// - Parameters:
  ///   - heads: Attention heads, where there are no tables to tell them; nil for a head's width of
  ///     64.
  ///   - normEpsilon: Of the layer norms.
  ///   - taps: The blocks that are tapped, counted from 1; nil for those of the published
  ///     configurations.
  public init(
    shapes: [String: [Int]], heads: Int? = nil, normEpsilon: Double = 1e-6, taps: [Int]? = nil
  ) throws(Failure) {
    func shape(_ name: String, rank: Int) throws(Failure) -> [Int] {
      guard let found = shapes[name] else {
        throw Failure(description: "holds no \(name), which every segmenter of this kind has")
      }
      guard found.count == rank else {
        throw Failure(description: "\(name) is \(found); expected \(rank) dimensions")
      }
      return found
    }
    let patches = try shape("patch_embed.proj.weight", rank: 4)
    let hidden = try shape("blocks.0.mlp.fc1.weight", rank: 2)
    let classifier = try shape("decode_head.conv_seg.weight", rank: 4)
    let (width, patch) = (patches[0], patches[3])
    let depth = shapes.keys.count {
      $0.hasPrefix("blocks.") && $0.hasSuffix(".norm1.weight")
    }
    assumptions = []
    hasPositions = shapes["pos_embed"] != nil
    let table = shapes["blocks.0.attn.relative_position_bias_table"]
    let positions = shapes["pos_embed"].map { $0.count > 1 ? $0[1] - 1 : 0 }
    // A table of a square grid of side n has (2n − 1)² + 3 rows.
    let side =
      table.map { ((Double(max(0, $0[0] - 3))).squareRoot() + 1) / 2 }
      ?? positions.map { Double(max(0, $0)).squareRoot() }
    guard let side, side == side.rounded(), side >= 1 else {
      throw Failure(
        description: "neither pos_embed \(shapes["pos_embed"] ?? []) nor its tables of relative "
          + "positions \(table ?? []) are of a square of patches")
    }
    let found = table.flatMap { $0.count == 2 ? $0[1] : nil } ?? heads ?? max(1, width / 64)
    if table == nil, heads == nil { assumptions.append("\(found) heads, of 64 channels each") }
    let decoder: SegmenterShape.Decoder =
      shapes["decode_head.fpn_bottleneck.conv.weight"] != nil
      ? .upernet : shapes["decode_head.lateral_convs.0.weight"] != nil ? .pyramid : .linear
    let published =
      taps ?? (decoder == .linear ? [depth] : BackboneShape.segmentation(depth: depth).taps)
    if taps == nil { assumptions.append("maps after blocks \(published)") }
    configuration = ModelConfiguration(
      height: Int(side) * patch, width: Int(side) * patch, channels: patches[1], patch: patch,
      encoder: TransformerShape(
        width: width, depth: depth, heads: found, mlpRatio: Double(hidden[0]) / Double(width)),
      decoder: nil, normEpsilon: normEpsilon,
      qkvBias: shapes["blocks.0.attn.qkv.bias"] != nil)
    self.shape = SegmenterShape(
      backbone: BackboneShape(
        taps: published, relativePositions: table == nil ? .none : .tables,
        layerScale: shapes["blocks.0.gamma_1"] == nil ? nil : 1),
      decoder: decoder, channels: decoder == .linear ? 1 : classifier[1],
      auxiliaryChannels: shapes["auxiliary_head.conv_seg.weight"].map { $0.count > 1 ? $0[1] : 1 },
      classes: classifier[0])
    if let problem = configuration.problems.first {
      throw Failure(description: "\(problem.path) \(problem.message)")
    }
    if let problem = self.shape.problems(depth: depth).first {
      throw Failure(description: "\(problem.path) \(problem.message)")
    }
  }
}
