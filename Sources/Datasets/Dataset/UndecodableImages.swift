import FileSystem

/// An image that could not be decoded.
public struct UndecodableImage: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Its number in the set.
  public var index: Int
  /// What it is called.
  public var name: String
  /// Why.
  public var reason: String

  /// Says of an image why it could not be decoded.
  public init(index: Int, name: String, reason: String) {
    self.index = index
    self.name = name
    self.reason = reason
  }

  /// The name and the reason.
  public var description: String { "\(name): \(reason)".oneLine }
}

/// The images of a set that could not be decoded so far, and how many may be.
package struct UndecodableImages: Sendable {
  package let limit: Int
  /// Where the limit is set, for the advice of the error; nil where nobody can set it.
  private let setting: String?
  package private(set) var found: [UndecodableImage] = []
  private var indices: Set<Int> = []

  /// A fraction of the set, rounded down, and one image at least; none where the fraction is 0.
  package static func limit(fraction: Double, count: Int) -> Int {
    fraction > 0 ? max(1, Int(fraction * Double(count))) : 0
  }

  package init(limit: Int, setting: String? = nil) {
    self.limit = limit
    self.setting = setting
  }

  /// Adds images that have not been seen before, and fails when there are too many.
  package mutating func add(
    _ images: [UndecodableImage], of path: String, count: Int
  ) throws(DatasetError) {
    for image in images where indices.insert(image.index).inserted { found.append(image) }
    guard found.count > limit else { return }
    throw Self.tooMany(
      found.count, of: count, limit: limit, examples: Array(found.prefix(3)), path: path,
      setting: setting)
  }

  /// The error that says that more images are broken than may be, names some and says where the
  /// limit is set.
  package static func tooMany(
    _ number: Int, of count: Int, limit: Int, examples: [UndecodableImage], path: String,
    setting: String?
  ) -> DatasetError {
    let named = examples.map(\.description).joined(separator: "; ")
    let rest = number > examples.count ? "; …" : ""
    return DatasetError(
      .tooManyBroken, path: path,
      "\(number) of \(count) images could not be decoded, \(limit) may be: "
        + "\(named)\(rest). Remove or repair them"
        + (setting.map { ", or raise the limit (\($0))" } ?? ""))
  }
}
