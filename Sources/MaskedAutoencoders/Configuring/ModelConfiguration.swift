/// Everything that decides the names and shapes of a masked autoencoder's weights and what they
/// compute; `model.json` of a checkpoint is this value.
public struct ModelConfiguration: Codable, Hashable, Sendable {
  /// Image height in pixels; a multiple of `patch`.
  public var height: Int
  /// Image width in pixels; a multiple of `patch`.
  public var width: Int
  /// Channels of an image: 1 for grayscale, 3 for colour, or any other number.
  public var channels: Int
  /// Side of a square patch in pixels, `P`.
  public var patch: Int
  /// The encoder, which sees the visible patches only.
  public var encoder: TransformerShape
  /// The decoder, which sees all positions; nil for an encoder alone. With a depth of 0 it is one
  /// linear layer right on an encoder of the same width that sees mask tokens.
  public var decoder: TransformerShape?
  /// What the decoder predicts.
  public var target: ReconstructionTarget
  /// Epsilon of every layer normalisation: 1e-6 in the paper's code, 1e-12 in Hugging Face's.
  public var normEpsilon: Double
  /// Whether queries, keys and values have a bias.
  public var qkvBias: Bool
  /// Whether the encoder sees a mask token in the place of each hidden patch (Table 1c, “encoder w/
  /// [M]”), and the decoder its outputs; else the encoder sees visible patches only and the mask
  /// tokens are the decoder's.
  public var encodesMaskTokens: Bool

  /// Creates a configuration; what is left out has the paper's value.
  public init(
    height: Int = 224, width: Int = 224, channels: Int = 3, patch: Int = 16,
    encoder: TransformerShape = .base, decoder: TransformerShape? = .paperDecoder,
    target: ReconstructionTarget = .normalizedPixels, normEpsilon: Double = 1e-6,
    qkvBias: Bool = true, encodesMaskTokens: Bool = false
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.patch = patch
    self.encoder = encoder
    self.decoder = decoder
    self.target = target
    self.normEpsilon = normEpsilon
    self.qkvBias = qkvBias
    self.encodesMaskTokens = encodesMaskTokens
  }

  /// Reads a configuration; older files do not say whether the encoder sees mask tokens.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    height = try fields.decode(Int.self, forKey: .height)
    width = try fields.decode(Int.self, forKey: .width)
    channels = try fields.decode(Int.self, forKey: .channels)
    patch = try fields.decode(Int.self, forKey: .patch)
    encoder = try fields.decode(TransformerShape.self, forKey: .encoder)
    self.decoder = try fields.decodeIfPresent(TransformerShape.self, forKey: .decoder)
    target = try fields.decode(ReconstructionTarget.self, forKey: .target)
    normEpsilon = try fields.decode(Double.self, forKey: .normEpsilon)
    qkvBias = try fields.decode(Bool.self, forKey: .qkvBias)
    encodesMaskTokens = try fields.decodeIfPresent(Bool.self, forKey: .encodesMaskTokens) ?? false
  }
}

extension ModelConfiguration {
  /// Rows and columns of patches.
  public var grid: PatchGrid { PatchGrid(rows: height / patch, columns: width / patch) }
  /// Numbers in one patch, `P·P·C`.
  public var patchValues: Int { patch * patch * channels }
  /// Numbers that the decoder predicts for a patch, `V`.
  public var predictedValues: Int { target.target.valuesPerPatch(of: self) }

  /// What is wrong with the values, each as the field's path and a sentence; empty when all is
  /// well.
  public var problems: [(path: String, message: String)] {
    var found: [(path: String, message: String)] = []
    func require(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { found.append((path, message())) }
    }
    /// Checks a size; what is computed with it is checked only where it is sane.
    func isSane(_ path: String, _ value: Int) -> Bool {
      require(
        (1...65_536).contains(value), path,
        "is \(value); expected a whole number from 1 to 65536")
      return (1...65_536).contains(value)
    }
    let patchIsSane = isSane("patch", patch)
    for (path, side) in [("height", height), ("width", width)] {
      guard isSane(path, side), patchIsSane else { continue }
      let above = (side / patch + 1) * patch
      let nearest =
        side < patch
        ? "the smallest that fits is \(above)"
        : "the nearest that fit are \(above - patch) and \(above)"
      require(
        side % patch == 0, path,
        "is \(side), which the patch size \(patch) does not divide; \(nearest)")
    }
    _ = isSane("channels", channels)
    require(normEpsilon > 0, "normEpsilon", "is \(normEpsilon); expected a number above 0")
    for (path, shape) in [("encoder", encoder), ("decoder", decoder)] {
      guard let shape else { continue }
      if path == "decoder", shape.depth == 0 {
        require(
          encodesMaskTokens, "decoder.depth",
          "is 0, a linear layer right on the encoder, which then needs the mask tokens; set "
            + "encodesMaskTokens to true, or a depth of at least 1")
        require(
          shape.width == encoder.width, "decoder.width",
          "is \(shape.width); a decoder of depth 0 is as wide as the encoder, \(encoder.width)")
      } else {
        _ = isSane(path + ".depth", shape.depth)
      }
      let headsAreSane = isSane(path + ".heads", shape.heads)
      let ratioIsSane = shape.mlpRatio >= 0.001 && shape.mlpRatio <= 1000
      require(
        ratioIsSane, path + ".mlpRatio",
        "is \(shape.mlpRatio); expected a number from 0.001 to 1000")
      guard isSane(path + ".width", shape.width) else { continue }
      require(
        shape.width % 4 == 0, path + ".width",
        "is \(shape.width); sine-cosine positions need a multiple of 4")
      require(
        !headsAreSane || shape.width % shape.heads == 0, path + ".heads",
        "is \(shape.heads), which does not divide the width \(shape.width)")
      require(
        !ratioIsSane || shape.hidden >= 1, path + ".mlpRatio",
        "is \(shape.mlpRatio), which leaves no hidden unit of a width of \(shape.width)")
    }
    found += target.target.problems(for: self).map { ("target." + $0.path, $0.message) }
    return found
  }
}
