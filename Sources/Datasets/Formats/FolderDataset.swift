public import Imaging

/// The images in a folder and its subfolders, in the order of their paths.
///
/// Where all of them sit in immediate subfolders, those are the classes (also the empty ones).
/// Hidden files and folders are skipped; links are followed, each folder once.
public struct FolderDataset: ImageDataset {
  /// The folder.
  public let path: String
  /// The names of the immediate subfolders, sorted, where they are classes.
  public let classes: [String]?
  private let paths: StringTable
  private let labels: [Int32]
  private let limits: ImageLimits

  /// Lists a folder.
  ///
  /// - Parameter classes: the classes of another part of the same set, so that numbers agree; a
  ///   class that is not among them is an error.
  public init(
    path: String, classes: [String]? = nil, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let listing = try FolderListing(path)
    guard !listing.images.isEmpty else {
      throw DatasetError(.empty, path: path, listing.whyEmpty)
    }
    self.init(path: path, listing: listing, limits: limits)
    if let classes { self = try relabeled(classes) }
  }

  init(path: String, listing: FolderListing, limits: ImageLimits) {
    self.path = path
    self.limits = limits
    paths = listing.images
    let owners = listing.images.map { path -> Substring? in
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      return parts.count == 2 ? parts[0] : nil
    }
    if owners.allSatisfy({ $0 != nil }) {
      let names = listing.folders
      let numbers = Dictionary(
        uniqueKeysWithValues: names.enumerated().map { (Substring($1), Int32($0)) })
      classes = names
      labels = owners.compactMap { $0.flatMap { numbers[$0] } }
    } else {
      classes = nil
      labels = []
    }
  }

  private init(_ other: FolderDataset, classes: [String], labels: [Int32]) {
    path = other.path
    paths = other.paths
    limits = other.limits
    self.classes = classes
    self.labels = labels
  }

  private func relabeled(_ wanted: [String]) throws(DatasetError) -> FolderDataset {
    guard let classes else {
      throw DatasetError(
        .malformed, path: path,
        "has no classes; expected one subfolder for each of \(wanted.count) classes")
    }
    let used = Set(labels)
    let map = try ClassNumbers(
      classes, among: wanted, used: { used.contains(Int32($0)) }, path: path)
    return FolderDataset(self, classes: wanted, labels: labels.map { map.numbers[Int($0)] })
  }

  /// Number of images.
  public var count: Int { paths.count }

  /// The number of the subfolder an image is in.
  public func label(of index: Int) -> Int? { labels.isEmpty ? nil : Int(labels[index]) }

  /// The path below the folder.
  public func name(of index: Int) -> String { paths[index] }

  /// Reads the file.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: joined(path, paths[index]), limits: limits))
  }
}

extension FolderDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .file(joined(path, paths[index])) }
}

/// A path below a folder; an absolute one stays as it is.
func joined(_ folder: String, _ path: String) -> String {
  if path.hasPrefix("/") { return path }
  return folder.hasSuffix("/") ? folder + path : folder + "/" + path
}

/// Any folder: the images in it and below it.
struct FolderFormat: DatasetFormat {
  var name: String { DividedFolderFormat().name }

  func recognizes(_ path: PathFacts) -> Bool { path.kind == .folder }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: path.path, "has no val or test subfolder")
    return try FolderDataset(path: path.path, classes: request.classes, limits: request.limits)
  }
}
