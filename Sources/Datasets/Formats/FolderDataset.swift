import FileSystem
public import Imaging

/// The images in a folder and its subfolders, in the order of their paths.
///
/// Where they sit in immediate subfolders, those are the classes (also the empty ones). A few
/// images elsewhere, a quarter of all at most, do not change that: they are left out, and ``notes``
/// name them. Hidden files and folders and the system's own (`__MACOSX`, `@eaDir`, …) are skipped;
/// links are followed, each folder once.
public struct FolderDataset: ImageDataset, NotedDataset {
  /// The folder.
  public let path: String
  /// The names of the immediate subfolders, sorted, where they are classes.
  public let classes: [String]?
  public package(set) var notes: [String]
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

  /// Takes all images in a folder and below it, for those who need no classes; an image outside of
  /// the classes' folders then has none. nil for what is no folder, for one without images, and for
  /// one of tar archives.
  ///
  /// - Throws: `DatasetError` of kind `unreadable`.
  package init?(
    allImagesBelow path: String, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    guard PathKind(path) == .folder, try !ShardFolderFormat().recognizes(PathFacts(path)) else {
      return nil
    }
    let listing = try FolderListing(path)
    guard !listing.images.isEmpty else { return nil }
    self.init(path: path, listing: listing, keepsStrays: true, limits: limits)
  }

  init(path: String, listing: FolderListing, keepsStrays: Bool = false, limits: ImageLimits) {
    self.path = path
    self.limits = limits
    notes = listing.notes
    let outside = listing.owners.indices.filter { listing.owners[$0] < 0 }
    let inside = listing.images.count - outside.count
    // Decided by the whole: a stray image does not take the classes from all others.
    if inside > 0, outside.count * 4 <= listing.images.count {
      classes = listing.folders.map(\.shownPath)
      guard !outside.isEmpty, !keepsStrays else {
        (paths, labels) = (listing.images, listing.owners)
        return
      }
      let kept = listing.owners.indices.filter { listing.owners[$0] >= 0 }
      paths = StringTable(kept.lazy.map { listing.images[$0] })
      labels = kept.map { listing.owners[$0] }
      notes.append(
        "\(counted(outside.count, "image")) not used, outside of the folders of the "
          + "\(listing.folders.count) classes: \(firstFew(outside.prefix(4).map { listing.images[$0] }))"
      )
    } else {
      (paths, labels) = (listing.images, [])
      classes = nil
      if inside > 0, !keepsStrays {
        notes.append(
          "there are no classes: \(inside) images are in folders of their own and "
            + "\(outside.count) beside or below those (\(firstFew(outside.prefix(4).map { listing.images[$0] })))"
        )
      }
    }
  }

  private init(_ other: FolderDataset, classes: [String], labels: [Int32]) {
    path = other.path
    paths = other.paths
    limits = other.limits
    notes = other.notes
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
  public func label(of index: Int) -> Int? {
    labels.isEmpty || labels[index] < 0 ? nil : Int(labels[index])
  }

  /// The path below the folder; bytes that are no text as `\xe9`.
  public func name(of index: Int) -> String { paths[index].shownPath }

  /// Reads the file.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(try EncodedImage(path: joined(path, paths[index]), limits: limits))
  }
}

extension FolderDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? { .file(joined(path, paths[index])) }
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
