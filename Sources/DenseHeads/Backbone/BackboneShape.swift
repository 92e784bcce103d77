public import MaskedAutoencoders

/// What an encoder has for dense tasks beside its ``/MaskedAutoencoders/ModelConfiguration``: whole
/// images of any size, maps after several blocks, windows, relative positions.
public struct BackboneShape: Codable, Hashable, Sendable {
  /// The blocks after which a map is taken, counted from 1, in ascending order.
  public var taps: [Int]
  /// Whether a class token takes part; it is never in a map.
  public var hasClassToken: Bool
  /// The side of the windows that attention stays in, in patches; nil where it reaches over the
  /// whole image in all blocks.
  public var window: Int?
  /// Blocks whose attention reaches over the whole image all the same, counted from 1.
  public var globalBlocks: [Int]
  /// What is added to the logits of attention by where patches lie to each other.
  public var relativePositions: RelativePositions
  /// The patches of the images that relative positions of global blocks are for; nil for the
  /// model's. Other images have them interpolated.
  public var relativeGrid: PatchGrid?
  /// What each branch of a block is multiplied by at the start, one trained number a channel
  /// (Touvron et al., 2021, “LayerScale”); nil for none.
  public var layerScale: Double?

  /// A form of relative positions. All start at zero, so that an encoder that was trained without
  /// them computes at first what it did.
  public enum RelativePositions: String, Codable, Hashable, Sendable, CaseIterable {
    /// None.
    case none
    /// Two tables of vectors in each block, one of rows and one of columns, that queries are
    /// multiplied by (Li et al., 2022, “Exploring plain Vision Transformer backbones”).
    case decomposed
    /// Two tables of numbers for each head, one for all blocks with windows and one for all global
    /// blocks (Li et al., 2021, “Benchmarking detection transfer learning with Vision
    /// Transformers”).
    case shared
    /// A table of numbers for each head in each block, with entries for the class token where there
    /// is one (Bao et al., 2022, “BEiT”).
    case tables
  }

  /// Creates a shape: by default plain global attention with a class token.
  public init(
    taps: [Int], hasClassToken: Bool = true, window: Int? = nil, globalBlocks: [Int] = [],
    relativePositions: RelativePositions = .none, relativeGrid: PatchGrid? = nil,
    layerScale: Double? = nil
  ) {
    self.taps = taps
    self.hasClassToken = hasClassToken
    self.window = window
    self.globalBlocks = globalBlocks
    self.relativePositions = relativePositions
    self.relativeGrid = relativeGrid
    self.layerScale = layerScale
  }

  /// Blocks after which quarters of the depth end: `[3, 6, 9, 12]` of 12.
  public static func quarters(of depth: Int) -> [Int] {
    let ends = (1...4).map { max(1, $0 * depth / 4) }
    return ends.enumerated().filter { $0 == 0 || ends[$0 - 1] != $1 }.map(\.element)
  }

  /// The form of the paper's segmentation (Table 5, as BEiT's): global attention with a class
  /// token, a table of relative positions and LayerScale in each block.
  public static func segmentation(depth: Int) -> BackboneShape {
    // As published for ViT-B; the quarters of ViT-L.
    BackboneShape(
      taps: depth == 12 ? [4, 6, 8, 12] : quarters(of: depth), relativePositions: .tables,
      layerScale: 1)
  }

  /// The form of ViTDet: windows of 14 patches, the last block of each quarter global, decomposed
  /// relative positions, a map after the last block.
  ///
  /// - Parameter grid: The patches of a training image: 64 × 64 at 1024².
  public static func vitDet(depth: Int, grid: PatchGrid) -> BackboneShape {
    BackboneShape(
      taps: [depth], hasClassToken: false, window: 14, globalBlocks: quarters(of: depth),
      relativePositions: .decomposed, relativeGrid: grid)
  }

  /// The form of the paper's detection (Table 4): windows of 16 patches, the last block of each
  /// quarter global and mapped, shared tables.
  ///
  /// - Parameter grid: The patches of a training image: 64 × 64 at 1024².
  public static func benchmark(depth: Int, grid: PatchGrid) -> BackboneShape {
    BackboneShape(
      taps: quarters(of: depth), hasClassToken: false, window: 16,
      globalBlocks: quarters(of: depth), relativePositions: .shared, relativeGrid: grid)
  }

  /// Whether a block, counted from 0, stays within windows.
  public func isWindowed(block: Int) -> Bool {
    window != nil && !globalBlocks.contains(block + 1)
  }

  /// What is wrong with the values for an encoder, each as the field's path and a sentence.
  public func problems(depth: Int) -> [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    if taps.isEmpty || taps != Array(Set(taps)).sorted()
      || taps.contains(where: { !(1...depth).contains($0) })
    {
      found.append(
        ("taps", "is \(taps); expected blocks from 1 to \(depth) in ascending order"))
    }
    if let bad = globalBlocks.first(where: { !(1...depth).contains($0) }) {
      found.append(("globalBlocks", "has \(bad); expected blocks from 1 to \(depth)"))
    }
    if let window {
      if window < 1 { found.append(("window", "is \(window); expected a number of patches")) }
      if hasClassToken {
        found.append(
          ("hasClassToken", "is true, and a class token has no place in windows; expected false"))
      }
    }
    if relativePositions == .shared, hasClassToken {
      found.append(("hasClassToken", "is true; shared tables have no entries for it"))
    }
    if relativePositions == .decomposed, hasClassToken {
      found.append(
        ("hasClassToken", "is true; decomposed relative positions have no entries for it"))
    }
    if let layerScale, !layerScale.isFinite {
      found.append(("layerScale", "is \(layerScale); expected a number"))
    }
    return found
  }
}
