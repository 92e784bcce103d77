/// A reconstruction target of any kind with its parameters.
///
/// In recipes and `model.json` it is its name, `normalized-pixels`, or where it has parameters a
/// map of its name and them, `{name: codes, count: 512}`; a parameter that is not there has its
/// default.
public struct ReconstructionTarget: Sendable {
  /// The target.
  public var target: any PatchTarget

  /// Holds a target.
  public init(_ target: any PatchTarget) { self.target = target }

  /// The pixels as the model is given them.
  public static let pixels = ReconstructionTarget(PixelTarget())
  /// The pixels of a patch less their mean, over their standard deviation: the paper's best.
  public static let normalizedPixels = ReconstructionTarget(NormalizedPixelTarget())

  /// The target's name.
  public var name: String { type(of: target).name }
  /// Whether predictions can be turned into pixels.
  public var isDrawable: Bool { target is any DrawableTarget }
  /// Whether pictures take something from the original that the model did not predict.
  public var usesOriginalStatistics: Bool {
    (target as? any DrawableTarget)?.usesOriginalStatistics ?? false
  }
}

extension ReconstructionTarget: Hashable {
  public static func == (a: ReconstructionTarget, b: ReconstructionTarget) -> Bool {
    AnyHashable(a.target) == AnyHashable(b.target)
  }
  public func hash(into hasher: inout Hasher) { AnyHashable(target).hash(into: &hasher) }
}

extension ReconstructionTarget: Codable {
  private enum Key: String, CodingKey { case name }

  /// The name of a target, which must be one of ``PatchTargets``.
  package struct Name: Decodable {
    fileprivate let target: any PatchTarget

    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let name = try container.decode(String.self)
      guard let target = PatchTargets.named(name) else {
        throw DecodingError.dataCorruptedError(
          in: container,
          debugDescription: "there is no reconstruction target '\(name)'; expected "
            + PatchTargets.names.joined(separator: ", "))
      }
      self.target = target
    }
  }

  public init(from decoder: any Decoder) throws {
    if (try? decoder.singleValueContainer().decode(String.self)) != nil {
      target = try Name(from: decoder).target
    } else {
      let name = try decoder.container(keyedBy: Key.self).decode(Name.self, forKey: .name)
      target = try name.target.decoded(from: decoder)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    if Mirror(reflecting: target).children.isEmpty {
      var container = encoder.singleValueContainer()
      try container.encode(name)
    } else {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: .name)
      try target.encode(to: encoder)
    }
  }
}

extension PatchTarget {
  fileprivate func decoded(from decoder: any Decoder) throws -> any PatchTarget {
    try decodedParameters(of: self, from: decoder)
  }
}
