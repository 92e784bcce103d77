import Imaging

/// Whether a set for training and one for validation belong together.
public enum ClassAgreement {
  /// Something that may be meant and mostly is a mistake.
  public enum Remark: Hashable, Sendable, CustomStringConvertible {
    /// Classes of which there is no training image.
    case untrained(classes: [String])
    /// Classes of which there is no validation image.
    case unvalidated(classes: [String], of: Int)
    /// Validation images that are training images too.
    case overlap(Overlap)

    /// One line.
    public var description: String {
      switch self {
      case .untrained(let classes):
        return "no training image is of \(ClassNumbers.listed(classes, "class", "classes"))"
      case .unvalidated(let classes, let all):
        let which = ClassNumbers.listed(classes)
        return "no validation image is of \(classes.count) of the \(all) classes (\(which)); "
          + "accuracy says nothing of them"
      case .overlap(let overlap): return overlap.description
      }
    }
  }

  /// Looks at the labels of both sets, and for images that are in both.
  ///
  /// Images are the same where they are the same file (also through links) or the same bytes: sizes
  /// are compared first, then the ends of files of the same size, then what is left as a whole.
  /// Sets larger than the limits are looked at in evenly spread samples. Only files on this machine
  /// and images in memory are compared.
  ///
  /// - Parameters:
  ///   - path: what the training set is called in messages.
  ///   - validationPath: what the validation set is called in messages.
  ///   - trainingLimit: most training images that are compared.
  ///   - validationLimit: most validation images that are compared.
  /// - Returns: what a user should be warned of.
  /// - Throws: `DatasetError` where either set has no classes, only one class occurs, the classes
  ///   are not the same in the same order, or an image has no class or one that does not exist.
  public static func check(
    training: any ImageDataset, validation: any ImageDataset, path: String = "training set",
    validationPath: String = "validation set", trainingLimit: Int = 100_000,
    validationLimit: Int = 4096
  ) throws(DatasetError) -> [Remark] {
    let classes = try classes(of: training, path)
    let others = try Self.classes(of: validation, validationPath)
    let trained = try counts(training, classes, path)
    let occurring = trained.indices.filter { trained[$0] > 0 }
    guard occurring.count >= 2 else {
      let name = occurring.first.map { " (\"\(classes[$0])\")" } ?? ""
      throw DatasetError(
        .malformed, path: path,
        "has images of one class only\(name); a classifier needs at least two classes")
    }
    try compare(others, to: classes, validationPath)
    let validated = try counts(validation, classes, validationPath)
    var warnings: [Remark] = []
    let untrained = classes.indices.filter { trained[$0] == 0 }.map { classes[$0] }
    if !untrained.isEmpty { warnings.append(.untrained(classes: untrained)) }
    let missing = classes.indices.filter { validated[$0] == 0 && trained[$0] > 0 }
    if !missing.isEmpty {
      warnings.append(.unvalidated(classes: missing.map { classes[$0] }, of: classes.count))
    }
    let overlap = Overlap(
      training, validation, trainingLimit: trainingLimit, validationLimit: validationLimit)
    if let overlap { warnings.append(.overlap(overlap)) }
    return warnings
  }

  private static func classes(
    of set: any ImageDataset, _ path: String
  ) throws(DatasetError) -> [String] {
    guard let classes = set.classes else {
      throw DatasetError(
        .malformed, path: path,
        "has no classes; expected a subfolder for each class, a list with classes, or an IDX set with "
          + "labels")
    }
    return classes
  }

  /// Images of each class.
  private static func counts(
    _ set: any ImageDataset, _ classes: [String], _ path: String
  ) throws(DatasetError) -> [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for index in 0..<set.count {
      guard let label = set.label(of: index) else {
        throw DatasetError(
          .malformed, path: path,
          "gives \(set.name(of: index)) no class, and other images one; give one to every image")
      }
      guard counts.indices.contains(label) else {
        throw DatasetError(
          .malformed, path: path,
          "gives \(set.name(of: index)) the class \(label); expected 0 to \(classes.count - 1)")
      }
      counts[label] += 1
    }
    return counts
  }

  private static func compare(
    _ found: [String], to wanted: [String], _ path: String
  ) throws(DatasetError) {
    guard found != wanted else { return }
    let known = Set(wanted)
    let extra = found.filter { !known.contains($0) }
    if !extra.isEmpty {
      throw ClassNumbers.differ(path, extra: extra, wanted: wanted, names: found)
    }
    let own = Set(found)
    let missing = wanted.filter { !own.contains($0) }
    let what =
      missing.isEmpty
      ? "numbers the training set's classes in another order"
      : "lacks \(ClassNumbers.listed(missing, "the class", "the classes")) of the training set"
    throw DatasetError(
      .malformed, path: path,
      "\(what), so that the numbers differ; open it with the training set's classes")
  }
}
