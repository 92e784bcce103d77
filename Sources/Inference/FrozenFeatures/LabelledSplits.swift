public import Datasets
public import Recipes
public import Runs

/// The two splits of a labelled set: the images that a classifier is trained on, and those that it
/// is validated on.
public struct LabelledSplits {
  /// The images that are trained on.
  public let training: any ImageDataset
  /// The images that are validated on.
  public let validation: any ImageDataset
  /// The classes' names.
  public let classes: [String]
  /// Images in the training split before some of each class were chosen.
  public let available: Int
  /// What a user may not expect of the splits, each as a sentence.
  public let warnings: [String]
  /// What was trained on, for a later evaluation on the same set; nil where the set is divided by
  /// its makers and its validation part is used.
  public let learned: TrainingSplit?

  /// The part of a set that is held back where it has no validation part of its own.
  static let heldBack = 0.1

  /// Opens a set, or two.
  ///
  /// - Parameters:
  ///   - data: Labelled images: class folders, a list with classes, an IDX folder, shards.
  ///   - validation: Images to validate on: all of them, or the validation part of a divided set;
  ///     nil takes that of `data`, or holds a tenth of each class back where it has none.
  ///   - labels: Which of the training images are trained on.
  ///   - limit: Trains on so many images of all classes together, where `labels` leaves all of
  ///     them.
  ///   - seed: Decides which images are chosen.
  ///   - option: The option that names the images to validate on, for messages.
  /// - Throws: `DatasetError` or ``/Runs/RunFailure`` with what is wrong with the labels.
  public init(
    _ data: String, validation: String?, labels: FinetuningRecipe.Labels, limit: Int? = nil,
    seed: UInt64, option: String = "--validation"
  ) throws {
    var training = try openDataset(at: data)
    var warnings: [String] = []
    let classes = try Self.classes(of: training, data)
    let validated: any ImageDataset
    if let own = try Self.validationSplit(data, validation, classes) {
      validated = own
      learned =
        validation == nil ? nil : TrainingSplit(training, at: data, heldBack: nil, seed: seed)
    } else {
      learned = TrainingSplit(training, at: data, heldBack: Self.heldBack, seed: seed)
      let held = try training.heldBack(fraction: Self.heldBack, seed: seed, path: data)
      let taken = Set((0..<held.count).map { held.baseIndex(of: $0) })
      validated = held
      training = SubsetDataset(
        training, indices: (0..<training.count).filter { !taken.contains($0) })
      warnings.append(
        "\(data) has no validation part: \(held.count) images, a tenth of each class, are held back "
          + "for validation; name others with \(option)")
      guard held.count > 0 else {
        throw RunFailure(
          .badData,
          "\(data) has no validation part and only one image of each class, so none can be held "
            + "back for validation; name images to validate on with \(option)")
      }
    }
    self.validation = validated
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
    warnings += notes
    warnings += validated.notes.map { "\(validation ?? data): \($0)" }.filter {
      !notes.contains($0)
    }
    warnings += try ClassAgreement.check(
      training: training, validation: validated, path: data, validationPath: validation ?? data
    ).map(\.description)
    self.warnings = warnings
  }

  /// The set to validate on; nil where none is named and the data have no validation part.
  private static func validationSplit(
    _ data: String, _ validation: String?, _ classes: [String]
  ) throws(DatasetError) -> (any ImageDataset)? {
    do throws(DatasetError) {
      return try openDataset(at: validation ?? data, split: .validation, classes: classes)
    } catch {
      guard error.kind == .missingSplit else { throw error }
      // A set that was named for validation and is not divided is used as a whole.
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
