/// What a user says of a set of label maps where the set does not say it.
public struct LabelRules: Codable, Hashable, Sendable {
  /// What the number 0 is, where the classes begin at 1.
  public var zeroIs: ZeroLabel?
  /// A file with the classes, see ``LabelMapFolder``; nil for the one in the set's folder.
  public var classes: String?
  /// The folder of pictures, below the set's path, where it is called otherwise than `images`.
  public var images: String?
  /// The folder of label maps, below the set's path.
  public var labels: String?
  /// Whether pictures that a COCO file names and that are not there are left out.
  public var skipsMissing: Bool

  /// Creates rules; what is left out the set has to say.
  public init(
    zeroIs: ZeroLabel? = nil, classes: String? = nil, images: String? = nil,
    labels: String? = nil, skipsMissing: Bool = false
  ) {
    self.zeroIs = zeroIs
    self.classes = classes
    self.images = images
    self.labels = labels
    self.skipsMissing = skipsMissing
  }

  private enum CodingKeys: CodingKey { case zeroIs, classes, images, labels, skipsMissing }

  /// Reads rules; what is missing is as in ``init(zeroIs:classes:images:labels:skipsMissing:)``.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    zeroIs = try container.decodeIfPresent(ZeroLabel.self, forKey: .zeroIs)
    classes = try container.decodeIfPresent(String.self, forKey: .classes)
    images = try container.decodeIfPresent(String.self, forKey: .images)
    labels = try container.decodeIfPresent(String.self, forKey: .labels)
    skipsMissing = try container.decodeIfPresent(Bool.self, forKey: .skipsMissing) ?? false
  }
}
