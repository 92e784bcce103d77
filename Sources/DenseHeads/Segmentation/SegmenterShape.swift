/// What a semantic segmenter has beside its encoder's configuration.
public struct SegmenterShape: Codable, Hashable, Sendable {
  /// The encoder's maps.
  public var backbone: BackboneShape
  /// What makes scores of them.
  public var decoder: Decoder
  /// Channels of the decoder; the linear one has none.
  public var channels: Int
  /// Channels of the auxiliary head, which only trains; nil for none.
  public var auxiliaryChannels: Int?
  /// Classes of pixels, `K`.
  public var classes: Int

  /// A decoder.
  public enum Decoder: String, Codable, Hashable, Sendable, CaseIterable {
    /// ``UnifiedHead``, as in the paper's Table 5.
    case upernet
    /// ``PyramidDecoder``.
    case pyramid
    /// ``LinearDecoder``.
    case linear

    /// Whether the encoder's maps become a pyramid of four.
    public var hasPyramid: Bool { self != .linear }
  }

  /// Creates a shape.
  public init(
    backbone: BackboneShape, decoder: Decoder, channels: Int, auxiliaryChannels: Int? = nil,
    classes: Int
  ) {
    self.backbone = backbone
    self.decoder = decoder
    self.channels = channels
    self.auxiliaryChannels = auxiliaryChannels
    self.classes = classes
  }

  /// The index of the map that the auxiliary head sees.
  static let auxiliaryMap = 2

  /// What is wrong with the values for an encoder, each as the field's path and a sentence.
  public func problems(depth: Int) -> [(path: String, message: String)] {
    var found = backbone.problems(depth: depth).map { ("backbone." + $0.path, $0.message) }
    if decoder.hasPyramid, backbone.taps.count != 4 {
      found.append(
        ("backbone.taps", "is \(backbone.taps); the \(decoder.rawValue) decoder needs four blocks"))
    }
    if !(1...65_536).contains(channels) {
      found.append(("channels", "is \(channels); expected a whole number from 1 to 65536"))
    }
    if let auxiliaryChannels {
      if !(1...65_536).contains(auxiliaryChannels) {
        found.append(
          ("auxiliaryChannels", "is \(auxiliaryChannels); expected a whole number from 1 to 65536"))
      }
      if !decoder.hasPyramid {
        found.append(
          ("auxiliaryChannels", "is given, and the linear decoder has no map of the middle for it"))
      }
    }
    if !(2...65_534).contains(classes) {
      found.append(("classes", "is \(classes); expected a whole number from 2 to 65534"))
    }
    return found
  }
}
