public import Datasets
import Runs

/// How many images of a set may be left out because they cannot be decoded.
///
/// Every pass over many images has one: images that cannot be decoded are left out, counted and
/// named in the result, up to the limit; above it the pass ends with an error that names some of
/// them.
public struct BrokenLimit: Hashable, Sendable {
  /// Share of the images, 0…1. One image may be broken in a set of any size, unless the share is 0.
  public var share: Double
  /// Where the share is set, for messages.
  public var setting: String

  /// A hundredth.
  public static let standard = BrokenLimit(0.01)
  /// Any number, for passes whose output has a mark for each image that could not be decoded.
  public static let none = BrokenLimit(1)

  /// Creates a limit.
  ///
  /// - Parameter setting: Where the share is set: the name of an option, or a field of a recipe.
  public init(_ share: Double, setting: String = "brokenLimit") {
    self.share = share
    self.setting = setting
  }

  /// Counts the broken images of a set of `count`.
  func counter(of count: Int) -> UndecodableImages {
    UndecodableImages(
      limit: UndecodableImages.limit(fraction: share, count: count), setting: setting)
  }

  /// Refuses more broken images than may be at the end of a pass whose number of images was not
  /// known before, and one in which none could be decoded.
  ///
  /// - Parameters:
  ///   - whole: How many of the images could be decoded.
  ///   - broken: How many could not.
  ///   - examples: The first of the broken ones.
  ///   - name: What the images are called in messages.
  /// - Throws: `DatasetError` of kind `tooManyBroken`, or ``/Runs/RunFailure`` where none could be
  ///   decoded.
  public func requireSome(
    _ whole: Int, broken: Int, examples: [UndecodableImage], named name: String
  ) throws {
    guard whole > 0 else {
      let first = examples.first.map { "\($0)" } ?? ""
      throw RunFailure(
        .badData,
        broken == 1 ? first : "none of \(broken) images could be decoded; the first is \(first)")
    }
    let count = whole + broken
    let limit = UndecodableImages.limit(fraction: share, count: count)
    guard broken > limit else { return }
    throw UndecodableImages.tooMany(
      broken, of: count, limit: limit, examples: Array(examples.prefix(3)), path: name,
      setting: setting)
  }
}
