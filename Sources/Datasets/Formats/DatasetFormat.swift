public import Imaging

/// A kind of data set: recognises what lies at a path, and opens it.
///
/// A format is one file with a conformance and one line in ``DatasetFormats/all``.
public protocol DatasetFormat: Sendable {
  /// What the format is called in help and messages, with its article: `a CIFAR folder`.
  var name: String { get }
  /// Whether a path holds a set of this format.
  ///
  /// Formats are asked in order and the first that says yes opens the path, so one that takes any
  /// folder or any file stands last.
  func recognizes(_ path: PathFacts) -> Bool
  /// Opens a path that the format recognises.
  ///
  /// - Throws: `DatasetError`: what was found, what was expected and what to do.
  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset
}

/// What of a data set is to be opened, and how.
public struct DatasetRequest: Sendable {
  /// The part of a divided set; a set that is not divided is `training` as a whole.
  public var split: DatasetSplit
  /// The classes of another part of the same set, so that the numbers agree; an image of any other
  /// class is refused.
  public var classes: [String]?
  /// How large images may be.
  public var limits: ImageLimits
  /// The formats that are known, in the order in which they are asked.
  public var formats: [any DatasetFormat]

  /// Creates a request.
  public init(
    split: DatasetSplit = .training, classes: [String]? = nil, limits: ImageLimits = .standard,
    formats: [any DatasetFormat] = DatasetFormats.all
  ) {
    self.split = split
    self.classes = classes
    self.limits = limits
    self.formats = formats
  }

  /// - Throws: `DatasetError` of kind `missingSplit` where the validation part of an undivided set
  ///   is asked for.
  /// - Parameter found: what the path is, as a sentence goes on: `is one shard`.
  public func refuseValidation(of path: String, _ found: String) throws(DatasetError) {
    guard split == .validation else { return }
    throw DatasetError(
      .missingSplit, path: path,
      "\(found); expected a set divided into train and val, or a second path for evaluation")
  }
}

/// The formats of data sets.
public enum DatasetFormats {
  /// All formats, in the order in which ``openDataset(at:_:)`` asks them. A format that is
  /// recognised by certain files stands before those that take any folder or any file.
  public static let all: [any DatasetFormat] = [
    ShardAddressFormat(),
    // Files.
    ShardPatternFormat(),
    IDXFileFormat(),
    ShardFileFormat(),
    ShardListFormat(),
    INaturalistFileFormat(),
    MixtureFormat(),
    ListFormat(),
    // Folders.
    IDXFolderFormat(),
    CIFARFormat(),
    INaturalistFolderFormat(),
    PlacesFormat(),
    DividedFolderFormat(),
    ShardFolderFormat(),
    FolderFormat(),
  ]

  /// The names of all formats, for help and messages, the most general first: `a folder of images,
  /// …, or tar shards`.
  public static var names: String { names(of: all) }

  /// The names of some formats.
  static func names(of formats: [any DatasetFormat]) -> String {
    var names: [String] = []
    for format in formats.reversed() where !names.contains(format.name) {
      names.append(format.name)
    }
    guard let last = names.popLast() else { return "" }
    return names.isEmpty ? last : names.joined(separator: ", ") + ", or " + last
  }
}
