/// What shares a draw of λ and of the way to mix.
public enum MixMode: String, Codable, Hashable, Sendable, CaseIterable {
  /// The whole batch.
  case batch
  /// An image and the one it meets.
  case pair
  /// Each image has its own.
  case image
}
