public import Datasets
public import DenseHeads

/// What `model.json` says of a detector beyond its encoder.
public struct DetectorDescription: Codable, Hashable, Sendable {
  /// Maps, pyramid, heads, number of classes.
  public var shape: DetectorShape
  /// The classes in the order of scores, as the set that was learned from has them.
  public var categories: [Category]
  /// Side of the square that the network sees, in pixels. Positions for another size are interpolated.
  public var side: Int
  /// What fills up a picture to the square that the network sees.
  public var padding: Padding

  /// A class.
  public struct Category: Codable, Hashable, Sendable {
    /// Its id in the set's file.
    public var id: COCOIdentifier
    /// Its name.
    public var name: String

    /// Creates a class.
    public init(id: COCOIdentifier, name: String) {
      self.id = id
      self.name = name
    }

    private enum Key: String, CodingKey { case id, name }

    /// Reads a class; a number stands for an id that is one, a string for one that is a string.
    public init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      id =
        if let number = try? fields.decode(Int.self, forKey: .id) { .number(number) } else {
          .text(try fields.decode(String.self, forKey: .id))
        }
      name = try fields.decode(String.self, forKey: .name)
    }

    /// Writes a class.
    public func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      switch id {
      case .number(let number): try fields.encode(number, forKey: .id)
      case .text(let text): try fields.encode(text, forKey: .id)
      }
      try fields.encode(name, forKey: .name)
    }
  }

  /// What fills up a picture to the square that the network sees, at the right and below.
  public enum Padding: String, Codable, Hashable, Sendable, CaseIterable {
    /// Zeros after normalising, in which nothing is looked for: ViTDet.
    case zero
    /// Grey of 128, as a part of the picture: Table 4.
    case gray
  }

  /// Describes a detector.
  public init(
    shape: DetectorShape, categories: [Category], side: Int, padding: Padding = .zero
  ) {
    self.side = side
    self.shape = shape
    self.categories = categories
    self.padding = padding
  }

  /// What is wrong with the values for an encoder, one sentence each.
  func problems(depth: Int, width: Int, patch: Int) -> [String] {
    var found = shape.problems(depth: depth, width: width)
      .map { "detector.shape.\($0.path) \($0.message)" }
    if side < patch || side % patch != 0 {
      found.append(
        "detector.side is \(side); expected a multiple of the patch \(patch)")
    }
    if categories.count != shape.classes {
      found.append(
        "detector.categories has \(categories.count) entries, expected \(shape.classes)")
    }
    return found
  }
}
