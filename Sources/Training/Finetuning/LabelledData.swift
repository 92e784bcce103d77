public import Datasets

/// The two parts of a labelled set that a classifier is trained on and judged by.
public struct LabelledData {
  /// The images that are learned from.
  public let training: any ImageDataset
  /// The images that judge.
  public let validation: any ImageDataset
  /// The classes' names.
  public let classes: [String]
  /// Images that could have been learned from, before some of each class were chosen.
  public let available: Int
  /// What is not as one may think, each as a sentence.
  public let remarks: [String]
  /// The set, where a later look at it has to know what was learned from; nil where it has a validation
  /// part of its own that judges.
  public let learned: LearnedImages?

  /// The part of a set that is held back where it has no validation part of its own.
  static let heldBack = 0.1

  /// Opens a set, or two.
  ///
  /// - Parameters:
  ///   - data: Labelled images: class folders, a list with classes, an IDX folder, shards.
  ///   - validation: Images to judge by: all of them, or the validation part of a divided set; nil takes
  ///     that of `data`, or holds a tenth of each class back where it has none.
  ///   - labels: Which of the training images are learned from.
  ///   - limit: Learns from so many images of all classes together, where `labels` leaves all of them.
  ///   - seed: Decides which images are chosen.
  ///   - option: How a user names the images to judge by, for messages.
  /// - Throws: `DatasetError` or ``RunFailure`` with what is wrong with the labels.
  public init(
    _ data: String, validation: String?, labels: FinetuningRecipe.Labels, limit: Int? = nil,
    seed: UInt64, option: String = "--validation"
  ) throws {
    var training = try openDataset(at: data)
    var remarks: [String] = []
    let classes = try Self.classes(of: training, data)
    let judged: any ImageDataset
    if let own = try Self.judges(data, validation, classes) {
      judged = own
      learned =
        validation == nil ? nil : LearnedImages(training, at: data, heldBack: nil, seed: seed)
    } else {
      learned = LearnedImages(training, at: data, heldBack: Self.heldBack, seed: seed)
      let held = try training.heldBack(fraction: Self.heldBack, seed: seed, path: data)
      let taken = Set((0..<held.count).map { held.baseIndex(of: $0) })
      judged = held
      training = SubsetDataset(
        training, indices: (0..<training.count).filter { !taken.contains($0) })
      remarks.append(
        "\(data) has no validation part: \(held.count) images, a tenth of each class, are held back "
          + "to judge by; name others with \(option)")
      guard held.count > 0 else {
        throw RunFailure(
          .badData,
          "\(data) has no validation part and only one image of each class, so none can be held "
            + "back to judge by; name images to judge by with \(option)")
      }
    }
    self.validation = judged
    self.classes = classes
    available = training.count
    if let count = labels.perClass {
      training = try training.subset(perClass: count, seed: seed, path: data)
    } else if labels.fraction < 1 {
      training = try training.subset(fraction: labels.fraction, seed: seed, path: data)
    } else if let limit, limit < training.count {
      training = try training.subset(count: limit, seed: seed, path: data)
    }
    self.training = training
    let notes = training.notes.map { "\(data): \($0)" }
    remarks += notes
    remarks += judged.notes.map { "\(validation ?? data): \($0)" }.filter { !notes.contains($0) }
    remarks += try ClassAgreement.check(
      training: training, validation: judged, path: data, validationPath: validation ?? data
    ).map(\.description)
    self.remarks = remarks
  }

  /// The set to judge by; nil where none is named and the data have no validation part.
  private static func judges(
    _ data: String, _ validation: String?, _ classes: [String]
  ) throws(DatasetError) -> (any ImageDataset)? {
    do throws(DatasetError) {
      return try openDataset(at: validation ?? data, split: .validation, classes: classes)
    } catch {
      guard error.kind == .missingSplit else { throw error }
      // A set that was named to judge by and is not divided judges as a whole.
      return try validation.map { path throws(DatasetError) in
        try openDataset(at: path, classes: classes)
      }
    }
  }

  /// The classes of a set that a classifier can be trained on.
  static func classes(of dataset: any ImageDataset, _ name: String) throws -> [String] {
    try dataset.checkLabels(path: name)
    guard let classes = dataset.classes else {
      throw RunFailure(
        .badData,
        "\(name) has no classes: expected a subfolder for each class, a list with classes, or an "
          + "IDX set with labels")
    }
    guard classes.count >= 2 else {
      throw RunFailure(
        .badData, "\(name) has one class only (\(classes.first ?? "")); expected at least 2")
    }
    return classes
  }
}
