import FileSystem
public import Imaging

/// Label maps made of the masks of a COCO file: each pixel has the class of the object on it.
///
/// Crowds lie below, then objects from the largest to the smallest; of two of one size the later in
/// the file lies on top. Pixels without an object are background or ignored, as the rules say.
public struct COCOLabelMaps: LabelMapDataset {
  /// What the file says.
  public let annotations: COCOAnnotations
  public let numbering: LabelNumbering
  public let notes: [String]
  private let folder: String
  /// For each picture of the set its number in the file.
  private let picks: [Int]
  private let painter: LabelPainter
  private let limits: ImageLimits

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - pictures: the folder with the pictures; nil for the one beside the file that has them.
  /// - Throws: `DatasetError` where the file cannot be used, a picture is missing, an object has no
  ///   mask, or the rules do not say what pixels without an object are.
  public init(
    annotations path: String, pictures: String?, rules: LabelRules,
    split: DatasetSplit = .training, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    guard let zeroIs = rules.zeroIs else {
      throw DatasetError(
        .malformed, path: path,
        "does not say what pixels without an object are; say --zero-is background or --zero-is "
          + "ignored (labels.zeroIs)")
    }
    let set = try COCOAnnotations(path: path)
    let folder = pictures ?? splitFolder(path)
    var missing: [String] = []
    var picks: [Int] = []
    for (number, image) in set.images.enumerated() {
      if PathKind(joined(folder, image.fileName)) == .file {
        picks.append(number)
      } else {
        missing.append(image.fileName)
      }
    }
    guard missing.isEmpty || rules.skipsMissing && !picks.isEmpty else {
      throw DatasetError(
        .missing, path: folder,
        "lacks \(missing.count) of the \(set.images.count) pictures of \(lastComponent(path)) "
          + "(\(firstFew(missing))); name their folder (--images), or leave them out (--skip-missing)"
      )
    }
    guard picks.count >= 2 else {
      throw DatasetError(
        .malformed, path: path, "has \(picks.count) picture; expected at least 2")
    }
    painter = try LabelPainter(set, zeroIs: zeroIs)
    numbering = painter.numbering
    self.picks = picks
    self.folder = folder
    self.limits = limits
    var notes = set.problems.lines
    if !missing.isEmpty {
      notes.append(
        "\(counted(missing.count, "picture")) not there and left out: \(firstFew(missing))")
    }
    self.notes = notes
    annotations = set
  }

  public var count: Int { picks.count }
  public func name(of index: Int) -> String { annotations.images[picks[index]].fileName.shownPath }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(
      try EncodedImage(
        path: joined(folder, annotations.images[picks[index]].fileName), limits: limits))
  }

  public func labelMap(of index: Int) throws(ImageError) -> LabelMap {
    let image = annotations.images[picks[index]]
    guard let size = image.size else { preconditionFailure("checked when the set was opened") }
    let content = try content(of: index)
    // The size of an array depends on which axis holds its channels: who reads it compares.
    guard content.size == size || content.isArray else {
      var hint = "correct the file"
      if case .encoded(let file) = content, file.orientation != .upright, file.storedSize == size {
        hint = "it is turned upright as its EXIF says: save it as it is shown"
      }
      throw ImageError(
        .corrupt, name: name(of: index),
        "has \(content.size) pixels; \(lastComponent(annotations.path)) says \(size): \(hint)")
    }
    return painter.labelMap(of: picks[index])
  }
}

/// The folder of a path.
private func splitFolder(_ path: String) -> String {
  let name = lastComponent(path)
  let folder = String(path.dropLast(name.count))
  return folder.isEmpty ? "." : folder.count > 1 ? String(folder.dropLast()) : folder
}
