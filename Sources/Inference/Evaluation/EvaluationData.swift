public import Datasets
import Runs

/// The images that a classifier is evaluated on, chosen from what a path holds.
public struct EvaluationData {
  /// What the path holds.
  public enum Content {
    /// Labelled images.
    case images(any ImageDataset)
    /// A set laid out as ImageNet-C.
    case corruptions(RobustnessSet)
  }

  /// The images.
  public let content: Content
  /// Which part of the set they are, for the result's name: `training`, `held back`; nil for what
  /// is evaluated unless something else is asked for.
  public let part: String?
  /// What a user has to know of the choice, as a sentence.
  public let warning: String?

  /// Opens a set for the evaluation of a model.
  ///
  /// Of a divided set the validation part is taken. Of a set that is not divided all of it is, or,
  /// where the model was trained on it, the images that were held back.
  ///
  /// - Parameters:
  ///   - path: An image file, or whatever `openDataset` reads.
  ///   - split: The part to take of a divided set; nil chooses as above.
  /// - Throws: `DatasetError` where there is no such set or part, `FileError` where the results of
  ///   the model's run cannot be read.
  public init(at path: String, split: DatasetSplit? = nil, for model: LoadedModel) throws {
    if let split {
      content = .images(try openDataset(at: path, split: split))
      (part, warning) = (split.rawValue, nil)
      return
    }
    if let set = try? RobustnessSet(path: path), set.kind == .corruptions {
      (content, part, warning) = (.corruptions(set), nil, nil)
      return
    }
    if let image = ImageFileDataset(path: path) {
      (content, part, warning) = (.images(image), nil, nil)
      return
    }
    do throws(DatasetError) {
      content = .images(try openDataset(at: path, split: .validation))
      (part, warning) = (nil, nil)
      return
    } catch {
      guard error.kind == .missingSplit else { throw error }
    }
    let images = try openDataset(at: path)
    guard let learned = try TrainingSplit(of: model) else {
      (content, part, warning) = (.images(images), nil, nil)
      return
    }
    let unseen = try learned.unseen(of: images, at: path)
    content = .images(unseen.images)
    part = unseen.isHeldBack ? "held back" : nil
    warning = unseen.warning
  }
}
