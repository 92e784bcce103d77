public import Imaging

/// A set that tests how a classifier fares on images unlike those it has learned from, in its
/// published layout.
///
/// - ImageNet-A, -R and -Sketch: a folder for each class, named by its WordNet id (`n01443537`); A
///   and R have 200 of ImageNet's classes, and only those compete.
/// - ImageNet-C: `gaussian_noise/1/n01440764/….JPEG`, fifteen corruptions of five severities of the
///   validation images, also in the folders of their archives (`noise/gaussian_noise/1/…`).
///
/// ```swift
/// let set = try RobustnessSet(path: "imagenet-c")
/// for part in set.parts {
///   let images = try set.dataset(of: part, classes: modelClasses)
///   …
/// }
/// ```
public struct RobustnessSet: Sendable {
  /// How a set is evaluated.
  public enum Kind: String, Hashable, Sendable {
    /// By its accuracy among the classes that it has.
    case classes
    /// By its errors at each severity of each corruption.
    case corruptions
  }

  /// Images that are evaluated together.
  public struct Part: Hashable, Sendable {
    /// The folder of the classes' folders.
    public let path: String
    /// The corruption's name, as its folder has it; nil for a set that is one part.
    public let corruption: String?
    /// How much they are corrupted, 1 to 5; nil for a set that is one part.
    public let severity: Int?
  }

  /// The folder.
  public let path: String
  /// How it is evaluated.
  public let kind: Kind
  /// Its parts: one, or those of all corruptions by name and severity.
  public let parts: [Part]
  private let limits: ImageLimits

  /// Looks at a folder; images are listed by ``dataset(of:classes:)``.
  ///
  /// - Throws: `DatasetError` where the folder has neither layout.
  public init(path: String, limits: ImageLimits = .standard) throws(DatasetError) {
    switch PathKind(path) {
    case .folder: break
    case .nothing: throw DatasetError(.missing, path: path, "there is nothing here; give a folder")
    case .file, .other: throw DatasetError(.malformed, path: path, "is no folder")
    }
    self.path = path
    self.limits = limits
    let corrupted = try Self.corruptions(in: path)
    if corrupted.isEmpty {
      guard try !subfolders(of: path).isEmpty else {
        throw DatasetError(
          .malformed, path: path,
          "has no folders; expected one for each class (n01443537, …), or for each corruption "
            + "(gaussian_noise/1, …)")
      }
      kind = .classes
      parts = [Part(path: path, corruption: nil, severity: nil)]
    } else {
      kind = .corruptions
      parts = corrupted
      for (one, next) in zip(parts, parts.dropFirst())
      where one.corruption == next.corruption && one.severity == next.severity {
        throw DatasetError(
          .malformed, path: path,
          "has the corruption \(one.corruption ?? "") twice: \(one.path) and \(next.path)")
      }
    }
  }

  /// The images of a part, numbered by `classes`: the model's. Without them the classes are the
  /// part's own folders, sorted, as a subset of the model's classes wants them.
  ///
  /// - Throws: `DatasetError` where there are no images, no classes, or a class that is not among
  ///   `classes`.
  public func dataset(
    of part: Part, classes: [String]? = nil
  ) throws(DatasetError) -> FolderDataset {
    let set = try FolderDataset(path: part.path, classes: classes, limits: limits)
    guard set.classes != nil else {
      throw DatasetError(
        .malformed, path: part.path,
        "has images outside of its classes' folders; expected only such")
    }
    return set
  }

  /// The parts of a folder of corruptions, of one corruption, or of the archives' folders.
  private static func corruptions(in path: String) throws(DatasetError) -> [Part] {
    let names = try subfolders(of: path)
    if try isCorruption(path, names) { return parts(of: path, names) }
    var found: [Part] = []
    for name in names {
      let folder = joined(path, name)
      let names = try subfolders(of: folder)
      if try isCorruption(folder, names) {
        found += parts(of: folder, names)
        continue
      }
      // The folder of an archive; a class's folder has no folders.
      for inner in names {
        let folder = joined(folder, inner)
        let names = try subfolders(of: folder)
        if try isCorruption(folder, names) { found += parts(of: folder, names) }
      }
    }
    return found.sorted {
      ($0.corruption ?? "", $0.severity ?? 0) < ($1.corruption ?? "", $1.severity ?? 0)
    }
  }

  private static func parts(of folder: String, _ names: [String]) -> [Part] {
    names.map { name in
      Part(path: joined(folder, name), corruption: lastComponent(folder), severity: Int(name))
    }
  }

  /// Whether the folders in a folder are severities, which hold folders of classes.
  private static func isCorruption(_ path: String, _ names: [String]) throws(DatasetError) -> Bool {
    let severities = Set((1...5).map { String($0) })
    guard let first = names.first, names.allSatisfy(severities.contains) else { return false }
    return try !subfolders(of: joined(path, first)).isEmpty
  }
}
