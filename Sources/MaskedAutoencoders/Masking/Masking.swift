public import Torch

/// A masking strategy of any kind with its parameters.
///
/// In recipes and `model.json` it is a map of its name and its parameters,
/// `{strategy: random, ratio: 0.75}`; a parameter that is not there has its default.
public struct Masking: Sendable {
  /// The strategy.
  public var strategy: any MaskingStrategy

  /// Holds a strategy; random masking of 75 % unless told otherwise, as in the paper.
  public init(_ strategy: any MaskingStrategy = RandomMasking()) { self.strategy = strategy }

  /// Hides a share of the patches uniformly at random.
  public static func random(ratio: Double = 0.75) -> Masking {
    Masking(RandomMasking(ratio: ratio))
  }

  /// The strategy's name.
  public var name: String { type(of: strategy).name }
  /// The share of patches that is hidden.
  public var ratio: Double { strategy.ratio }

  /// The same strategy with another share of hidden patches; nil where it has only the one.
  public func withRatio(_ ratio: Double) -> Masking? {
    strategy.withRatio(ratio).map { Masking($0) }
  }

  /// Visible patches of a grid, see ``MaskingStrategy/kept(of:)``.
  public func kept(of grid: PatchGrid) -> Int { strategy.kept(of: grid) }

  /// What is wrong with the parameters, see ``MaskingStrategy/problems(on:)``.
  public func problems(on grid: PatchGrid?) -> [(path: String, message: String)] {
    strategy.problems(on: grid)
  }

  /// Draws a mask, see ``MaskingStrategy/mask(_:batch:using:)``.
  public func mask(_ grid: PatchGrid, batch: Int, using generator: Generator) -> PatchMask {
    strategy.mask(grid, batch: batch, using: generator)
  }
}

extension Masking: Hashable {
  public static func == (a: Masking, b: Masking) -> Bool {
    AnyHashable(a.strategy) == AnyHashable(b.strategy)
  }
  public func hash(into hasher: inout Hasher) { AnyHashable(strategy).hash(into: &hasher) }
}

extension Masking: Codable {
  private enum Key: String, CodingKey { case strategy }

  /// The name of a strategy, which must be one of ``MaskingStrategies``.
  package struct Name: Decodable {
    fileprivate let strategy: any MaskingStrategy

    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let name = try container.decode(String.self)
      guard let strategy = MaskingStrategies.named(name) else {
        throw DecodingError.dataCorruptedError(
          in: container,
          debugDescription: "there is no masking strategy '\(name)'; expected "
            + MaskingStrategies.names.joined(separator: ", "))
      }
      self.strategy = strategy
    }
  }

  public init(from decoder: any Decoder) throws {
    let name = try decoder.container(keyedBy: Key.self).decode(Name.self, forKey: .strategy)
    strategy = try name.strategy.decoded(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .strategy)
    try strategy.encode(to: encoder)
  }
}

extension MaskingStrategy {
  fileprivate func decoded(from decoder: any Decoder) throws -> any MaskingStrategy {
    try decodedParameters(of: self, from: decoder)
  }
}
