/// What stands between an encoder's tokens and the scores of classes.
public struct ClassifierHead: Codable, Hashable, Sendable {
  /// How the tokens of an image become one row.
  public var pooling: Pooling
  /// Number of classes, `K`.
  public var classes: Int
  /// Whether rows pass through a batch normalisation without weights of its own, as in the paper's
  /// linear probe (A.1 “Linear probing”).
  public var normalizesBatches: Bool

  /// Epsilon of that batch normalisation, as published.
  package static let batchNormEpsilon = 1e-6

  /// Creates a head; what is left out is as the published code fine-tunes.
  public init(
    pooling: Pooling = .normalizedMean, classes: Int, normalizesBatches: Bool = false
  ) {
    self.pooling = pooling
    self.classes = classes
    self.normalizesBatches = normalizesBatches
  }

  /// How the tokens of an image become one row.
  public enum Pooling: String, CaseIterable, Codable, Hashable, Sendable {
    /// The class token after the last norm.
    case classToken = "class-token"
    /// The mean of the patches after the last norm.
    case mean
    /// The mean of the patches after the last block, then a norm of its own: what the published
    /// code fine-tunes, with timm's name `fc_norm`.
    case normalizedMean = "normalized-mean"
  }

  /// What is wrong with the values, each as the field's path and a sentence; empty when all is
  /// well.
  public var problems: [(path: String, message: String)] {
    (1...1_000_000).contains(classes)
      ? [] : [("classes", "is \(classes); expected a whole number from 1 to 1000000")]
  }
}
