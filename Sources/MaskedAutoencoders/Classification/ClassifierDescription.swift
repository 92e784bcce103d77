/// What a classifier has beyond its encoder: its head, and what its scores are of.
public struct ClassifierDescription: Codable, Hashable, Sendable {
  /// Pooling and number of classes.
  public var head: ClassifierHead
  /// A name for each class, in the order of scores.
  public var classNames: [String]

  /// Describes a head.
  public init(head: ClassifierHead, classNames: [String]) {
    self.head = head
    self.classNames = classNames
  }
}
