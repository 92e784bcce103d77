public import Datasets
import FileSystem
import MaskedAutoencoders
import Recipes

/// The images that a classifier was trained on, where the set is not divided by its makers: with it
/// `mae evaluate` recognises the set and evaluates on the images that were held back.
public struct TrainingSplit: Codable, Hashable, Sendable {
  /// The set's fingerprint, see `ImageDataset.fingerprint(samples:)`.
  public var fingerprint: String
  /// Where it was, with links followed; nil for sets that are not on this machine.
  public var path: String?
  /// The part of each class that was held back for validation; nil where other images were used.
  public var heldBack: Double?
  /// Decides which images were held back.
  public var seed: UInt64

  /// Describes a set.
  ///
  /// - Parameter path: Where it was opened.
  package init(_ images: any ImageDataset, at path: String, heldBack: Double?, seed: UInt64) {
    fingerprint = images.fingerprint()
    self.path = resolvedPath(path)
    self.heldBack = heldBack
    self.seed = seed
  }

  /// The images to evaluate on, of a set that may be the one that was trained on.
  public struct Unseen {
    /// The images that were held back, or all of them where that is not known.
    public let images: any ImageDataset
    /// Whether they are those that were held back.
    public let isHeldBack: Bool
    /// What a user has to know of the choice, as a sentence; nil where the set is another one.
    public let warning: String?
  }

  /// The images of a set that were not trained on, where it is the set that was trained on.
  ///
  /// - Parameters:
  ///   - images: A set that is not divided.
  ///   - path: Where it was opened.
  /// - Throws: `DatasetError` where the set has no classes.
  public func unseen(
    of images: any ImageDataset, at path: String
  ) throws(DatasetError) -> Unseen {
    guard images.fingerprint() == fingerprint else {
      let isSamePlace = self.path != nil && self.path == resolvedPath(path)
      return Unseen(
        images: images, isHeldBack: false,
        warning: isSamePlace
          ? "the run was trained on images here and the set has changed since: which it has seen "
            + "is not known, and the accuracy counts them"
          : nil)
    }
    guard let heldBack else {
      return Unseen(
        images: images, isHeldBack: false,
        warning: "the run was trained on these images: the accuracy is not that on new ones")
    }
    let held = try images.heldBack(fraction: heldBack, seed: seed, path: path)
    return Unseen(
      images: held, isHeldBack: true,
      warning:
        "the run was trained on these images: the \(held.count) of \(images.count) that were held "
        + "back are evaluated")
  }
}
