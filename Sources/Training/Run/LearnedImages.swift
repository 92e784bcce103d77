public import Datasets
import Foundation

/// The set that a classifier has learned from, where its makers have not divided it: what `mae
/// evaluate` needs to know that it is shown the same images again.
public struct LearnedImages: Codable, Hashable, Sendable {
  /// The set's fingerprint, see `ImageDataset.fingerprint(samples:)`.
  public var fingerprint: String
  /// Where it was, with links followed; nil for sets that are not on this machine.
  public var path: String?
  /// The part of each class that was held back to judge by; nil where other images judged.
  public var heldBack: Double?
  /// Decides which images were held back.
  public var seed: UInt64

  /// Remembers a set.
  ///
  /// - Parameter path: Where it was opened.
  init(_ images: any ImageDataset, at path: String, heldBack: Double?, seed: UInt64) {
    fingerprint = images.fingerprint()
    self.path = Self.place(of: path)
    self.heldBack = heldBack
    self.seed = seed
  }

  /// What there is to judge by in a set that may be the one that was learned from.
  public struct Unseen {
    /// The images that were held back, or all of them where that is not known.
    public let images: any ImageDataset
    /// Whether they are those that were held back.
    public let isHeldBack: Bool
    /// What a user has to know, as a sentence; nil where the set is another one.
    public let remark: String?
  }

  /// The images of a set that were not learned from, where it is the same as was learned from.
  ///
  /// - Parameters:
  ///   - images: A set that is not divided.
  ///   - path: Where it was opened.
  /// - Throws: `DatasetError` where the set has no classes.
  public func unseen(
    of images: any ImageDataset, at path: String
  ) throws(DatasetError) -> Unseen {
    guard images.fingerprint() == fingerprint else {
      let isSamePlace = self.path != nil && self.path == Self.place(of: path)
      return Unseen(
        images: images, isHeldBack: false,
        remark: isSamePlace
          ? "the run has learned from images here and the set has changed since: which it has seen "
            + "is not known, and the accuracy counts them"
          : nil)
    }
    guard let heldBack else {
      return Unseen(
        images: images, isHeldBack: false,
        remark: "the run has learned from these images: the accuracy is not that on new ones")
    }
    let held = try images.heldBack(fraction: heldBack, seed: seed, path: path)
    return Unseen(
      images: held, isHeldBack: true,
      remark:
        "the run has learned from these images: \(held.count) of \(images.count) judge, those "
        + "that were held back")
  }

  /// A path that is the same for each name of a file or folder; nil where nothing is at the path.
  private static func place(of path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

extension LearnedImages {
  /// What the run, or the probe, has learned from that a model was loaded from; nil where that is not
  /// known, and where the model is of neither.
  public init?(of model: LoadedModel) throws {
    let (steps, step) = model.source.folderAndName
    let (run, folder) = steps.folderAndName
    let isOfRun = step.hasPrefix("step-") && folder == "checkpoints"
    let own = Checkpoint(path: model.source)
    guard isOfRun || FileManager.default.fileExists(atPath: own.descriptionPath),
      let learned = try RunResults.read(isOfRun ? run : own.path).learned
    else { return nil }
    self = learned
  }
}
