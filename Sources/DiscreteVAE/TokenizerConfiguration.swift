/// Everything that decides the names and shapes of an image tokenizer's weights: the discrete VAE of
/// DALL-E (Ramesh et al., 2021, A.1) at any size.
public struct TokenizerConfiguration: Codable, Hashable, Sendable {
  /// Height of an image in pixels; a multiple of ``stride``.
  public var height: Int
  /// Width of an image in pixels; a multiple of ``stride``.
  public var width: Int
  /// Channels of an image, `C`.
  public var channels: Int
  /// Groups of blocks in the encoder, and in the decoder; between two of them the image shrinks to
  /// half its sides.
  public var groups: Int
  /// Blocks of a group.
  public var blocks: Int
  /// Channels of the encoder's first group; each further one has twice as many. A multiple of 4.
  public var hiddenWidth: Int
  /// Channels that the decoder makes of a token first.
  public var initialWidth: Int
  /// How many different tokens there are, `V`.
  public var vocabulary: Int

  /// Creates a configuration; what is left out has the published value.
  public init(
    height: Int = 112, width: Int = 112, channels: Int = 3, groups: Int = 4, blocks: Int = 2,
    hiddenWidth: Int = 256, initialWidth: Int = 128, vocabulary: Int = 8192
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.groups = groups
    self.blocks = blocks
    self.hiddenWidth = hiddenWidth
    self.initialWidth = initialWidth
    self.vocabulary = vocabulary
  }
}

extension TokenizerConfiguration {
  /// Pixels from token to token, `2^(groups − 1)`: 8 for DALL-E's.
  public var stride: Int { 1 << max(0, min(groups, 16) - 1) }
  /// Rows of tokens, `h`.
  public var rows: Int { height / stride }
  /// Columns of tokens, `w`.
  public var columns: Int { width / stride }
  /// Channels of each group, from the image on.
  var widths: [Int] { (0..<groups).map { hiddenWidth << $0 } }

  /// `28 × 28 × 1 in 7 × 7 tokens of 256`.
  package var words: String {
    "\(height) × \(width) × \(channels) in \(rows) × \(columns) tokens of \(vocabulary)"
  }

  /// What is wrong with the values, each as the field's name and the rest of a sentence; empty when
  /// all is well.
  public var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    func within(_ range: ClosedRange<Int>, _ path: String, _ value: Int) {
      guard !range.contains(value) else { return }
      found.append(
        (
          path,
          "is \(value); expected a whole number from \(range.lowerBound) to \(range.upperBound)"
        ))
    }
    within(1...8, "groups", groups)
    within(1...64, "blocks", blocks)
    within(1...65_536, "channels", channels)
    within(4...4096, "hiddenWidth", hiddenWidth)
    within(1...65_536, "initialWidth", initialWidth)
    within(2...65_536, "vocabulary", vocabulary)
    if hiddenWidth > 0, hiddenWidth % 4 != 0 {
      found.append(("hiddenWidth", "is \(hiddenWidth); expected a multiple of 4"))
    }
    for (path, side) in [("height", height), ("width", width)] {
      within(1...65_536, path, side)
      guard (1...65_536).contains(side), (1...8).contains(groups), side % stride != 0 else {
        continue
      }
      let below = side / stride * stride
      found.append(
        (
          path,
          "is \(side), which the \(stride) pixels of a token do not divide; the nearest that fit: "
            + "\(below > 0 ? "\(below) and " : "")\(below + stride)"
        ))
    }
    return found
  }
}
