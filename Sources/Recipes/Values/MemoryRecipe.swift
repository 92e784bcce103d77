/// What memory is saved by.
public struct MemoryRecipe: Codable, Hashable, Sendable {
  /// Whether blocks are computed a second time in the backward pass instead of keeping what they
  /// computed.
  public var recompute: Bool

  /// Saves nothing unless told otherwise.
  public init(recompute: Bool = false) { self.recompute = recompute }
}
