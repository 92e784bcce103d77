/// The shape of a stack of pre-norm transformer blocks.
public struct TransformerShape: Codable, Hashable, Sendable {
  /// Width of a token, `D`.
  public var width: Int
  /// Number of blocks.
  public var depth: Int
  /// Attention heads; must divide `width`.
  public var heads: Int
  /// Hidden units of the feed-forward part as a multiple of `width`.
  public var mlpRatio: Double

  /// Creates a shape; the feed-forward part is four times as wide unless told otherwise.
  public init(width: Int, depth: Int, heads: Int, mlpRatio: Double = 4) {
    self.width = width
    self.depth = depth
    self.heads = heads
    self.mlpRatio = mlpRatio
  }

  /// `768 × 12, 12 heads`; without blocks `one linear layer`.
  package var words: String {
    depth == 0 ? "one linear layer" : "\(width) × \(depth), \(heads) heads"
  }

  /// Hidden units of the feed-forward part.
  public var hidden: Int { Int((Double(width) * mlpRatio).rounded()) }
}

extension TransformerShape {
  /// ViT-Tiny: 192 × 12, 3 heads (Touvron et al., 2021).
  public static let tiny = TransformerShape(width: 192, depth: 12, heads: 3)
  /// ViT-Small: 384 × 12, 6 heads (Touvron et al., 2021).
  public static let small = TransformerShape(width: 384, depth: 12, heads: 6)
  /// ViT-Base: 768 × 12, 12 heads (Dosovitskiy et al., 2021, Table 1).
  public static let base = TransformerShape(width: 768, depth: 12, heads: 12)
  /// ViT-Large: 1024 × 24, 16 heads (Dosovitskiy et al., 2021, Table 1).
  public static let large = TransformerShape(width: 1024, depth: 24, heads: 16)
  /// ViT-Huge: 1280 × 32, 16 heads (Dosovitskiy et al., 2021, Table 1).
  public static let huge = TransformerShape(width: 1280, depth: 32, heads: 16)
  /// The default decoder: 512 × 8, 16 heads (He et al., 2022, §4.1; heads from the published code).
  public static let paperDecoder = TransformerShape(width: 512, depth: 8, heads: 16)

  /// The encoders that have a name.
  public static let named: [(name: String, shape: TransformerShape)] = [
    ("tiny", .tiny), ("small", .small), ("base", .base), ("large", .large), ("huge", .huge),
  ]
}
