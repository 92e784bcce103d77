import FileSystem
import Imaging

/// The files of a folder by their names without extensions.
package struct LabelFiles: Sendable {
  private let folder: String
  private let files: StringTable
  private let places: [ExactName: Int]

  /// Number of files.
  package var count: Int { files.count }

  /// Lists the images in a folder and below it.
  package init(_ folder: String) throws(DatasetError) {
    let path = try PathWords.path(folder)
    switch PathKind(path) {
    case .folder: break
    case .nothing:
      throw DatasetError(.missing, path: path, "there is nothing here; expected a folder")
    default:
      throw DatasetError(.malformed, path: path, "is a file; expected a folder of label maps")
    }
    let listing = try FolderListing(path)
    guard !listing.images.isEmpty else {
      throw DatasetError(.empty, path: path, listing.whyEmpty)
    }
    self.folder = path
    files = listing.images
    places = Dictionary(
      files.enumerated().map { (ExactName(LabelMapFolder.stem($1)), $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The file with the name of a picture, but for the extension: with its path below the set, or
  /// without.
  package func path(of picture: String) -> String? {
    let stem = LabelMapFolder.stem(picture.fromShownPath)
    let place = places[ExactName(stem)] ?? places[ExactName(lastComponent(stem))]
    return place.map { joined(folder, files[$0]) }
  }
}

/// Opens true labels to compare predictions with: a set of pictures and label maps, its validation
/// part where it is divided, or a folder of label maps alone.
///
/// - Parameter training: Whether the training part is meant.
package func openTruth(
  at path: String, training: Bool = false, rules: LabelRules
) throws(DatasetError) -> any LabelMapDataset {
  let path = try PathWords.path(path)
  if PathKind(path) != .folder || holdsLabelMaps(path) || rules.labels != nil {
    var split = DatasetSplit.training
    if !training, PathKind(path) == .folder,
      (try? LabelMapLayout(path, rules: rules).part(.validation)) != nil
    {
      split = .validation
    }
    return try openLabelMaps(at: path, split: split, rules: rules)
  }
  let layout = try LabelMapLayout(path, rules: rules)
  let (numbering, colors) = try layout.numbering(rules)
  return try LabelMapFolder(
    pictures: path, labels: path, numbering: numbering, ignoredColors: colors, limits: .standard,
    atLeast: 1)
}
