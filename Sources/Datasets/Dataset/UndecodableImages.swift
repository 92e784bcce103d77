/// An image that could not be decoded.
public struct UndecodableImage: Hashable, Sendable, CustomStringConvertible {
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
  public var description: String { "\(name): \(reason)" }
}

/// The images of a set that could not be decoded so far, and how many may be.
package struct UndecodableImages: Sendable {
  package let limit: Int
  package private(set) var found: [UndecodableImage] = []
  private var indices: Set<Int> = []

  /// A fraction of the set, rounded down, and one image at least; none where the fraction is 0.
  package static func limit(fraction: Double, count: Int) -> Int {
    fraction > 0 ? max(1, Int(fraction * Double(count))) : 0
  }

  /// What else than removing or repairing images helps, as it follows "or"; nil where nothing does.
  private let remedy: String?

  /// - Parameter remedy: what else than removing or repairing images helps those who can be told of
  ///   it: `raise the limit (data.brokenLimit of the recipe)`.
  package init(limit: Int, remedy: String? = nil) {
    self.limit = limit
    self.remedy = remedy
  }

  /// What helps where the limit is a field of a recipe.
  static let recipeRemedy = "raise the limit (data.brokenLimit of the recipe)"

  /// Adds images that have not been seen before, and fails when there are too many.
  package mutating func add(
    _ images: [UndecodableImage], of path: String, count: Int
  ) throws(DatasetError) {
    for image in images where indices.insert(image.index).inserted { found.append(image) }
    guard found.count > limit else { return }
    let examples = found.prefix(3).map(\.description).joined(separator: "; ")
    let rest = found.count > 3 ? "; …" : ""
    throw DatasetError(
      .tooManyBroken, path: path,
      "\(found.count) of \(count) images could not be decoded, \(limit) may be: "
        + "\(examples)\(rest). Remove or repair them\(remedy.map { ", or \($0)" } ?? "")"
    )
  }
}
