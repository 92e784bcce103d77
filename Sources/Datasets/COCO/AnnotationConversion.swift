import FileSystem
import Imaging

/// Annotations in another form.
public enum AnnotationFormat: String, CaseIterable, Hashable, Sendable {
  /// One JSON file.
  case coco
  /// A text file for each picture.
  case yolo
  /// A PNG file for each picture with the class of each pixel.
  case labels
}

extension COCOAnnotations {
  /// Reads a COCO file, or a folder of YOLO's labels.
  public init(any path: String, classes: String? = nil) throws(DatasetError) {
    let word = try PathWords.path(path)
    if PathKind(word) == .folder {
      try self.init(yolo: word, classes: classes)
    } else {
      try self.init(path: word)
    }
  }

  /// Writes the annotations in a form: `coco` a file, `yolo` and `labels` a folder, which gets
  /// `classes.txt` or `classes.csv` too.
  ///
  /// - Parameter zeroIs: what pixels without an object are, for label maps.
  /// - Returns: what was left out, a sentence each.
  /// - Throws: `DatasetError`, `FileError` or `ImageError`.
  public func write(
    as format: AnnotationFormat, to out: String, zeroIs: ZeroLabel? = nil
  ) throws -> [String] {
    switch format {
    case .coco:
      try replaceFile(at: out, with: fileText)
      return []
    case .yolo:
      let crowds = objects.count { $0.isCrowd }
      let runs = objects.count { !$0.isCrowd && hasMask($0) && polygons(of: $0)?.count != 1 }
      for (image, text) in zip(images, try yoloTexts()) {
        let name = LabelMapFolder.stem(image.fileName) + ".txt"
        try replaceFile(
          at: joined(out, try inside(name)), with: Array(text.utf8), synchronized: false)
      }
      let names = categories.map { $0.name }.joined(separator: "\n") + "\n"
      try replaceFile(at: joined(out, "classes.txt"), with: Array(names.utf8))
      synchronizeFileSystems()
      var notes: [String] = []
      if crowds > 0 { notes.append("\(crowds) crowds are left out: YOLO's labels have none") }
      if runs > 0 {
        notes.append("\(runs) masks are written as boxes: they are not a single polygon")
      }
      return notes
    case .labels:
      guard let zeroIs else {
        throw DatasetError(
          .malformed, path: path,
          "does not say what pixels without an object are; say --zero-is background or --zero-is "
            + "ignored")
      }
      let painter = try LabelPainter(self, zeroIs: zeroIs)
      for index in images.indices {
        let name = LabelMapFolder.stem(images[index].fileName) + ".png"
        // Ids from 1 on in both cases; 0 is what the class table says.
        let map = painter.labelMap(of: index)
        let stored = painter.numbering.stored(map)
        var written = stored
        if zeroIs == .ignored {
          for i in written.labels.indices where written.labels[i] == LabelMap.ignored {
            written.labels[i] = 0
          }
        }
        try replaceFile(
          at: joined(out, try inside(name)), with: try written.encodedAsPNG(), synchronized: false)
      }
      var table = "id,name\n0,\(zeroIs.rawValue)\n"
      for (number, category) in categories.enumerated() {
        table += "\(number + 1),\(category.name.replacing(",", with: " "))\n"
      }
      try replaceFile(at: joined(out, "classes.csv"), with: Array(table.utf8))
      synchronizeFileSystems()
      return []
    }
  }

  /// A name that leads to no place outside of the folder.
  private func inside(_ name: String) throws(DatasetError) -> String {
    guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
      throw DatasetError(
        .malformed, path: path,
        "names the picture \(name.shownPath), outside of its folder; labels are not written there")
    }
    return name
  }
}

/// Paints the masks of a set's objects, small ones over large ones.
struct LabelPainter: Sendable {
  let annotations: COCOAnnotations
  let numbering: LabelNumbering
  /// For each picture its objects from below to above.
  private let stacks: [[Int]]
  private let hasBackground: Bool

  /// - Throws: `DatasetError` where an object has no mask or a picture no size.
  init(_ set: COCOAnnotations, zeroIs: ZeroLabel) throws(DatasetError) {
    let bare = set.objects.count { !set.hasMask($0) }
    guard bare == 0 else {
      throw DatasetError(
        .malformed, path: set.path,
        "has \(bare) of \(set.objects.count) objects with a box and no mask; label maps need masks")
    }
    if let image = set.images.first(where: { $0.size == nil }) {
      throw DatasetError(
        .malformed, path: set.path,
        "gives no width and height to the picture \(image.fileName); add them")
    }
    stacks = set.objectsOfImages().map { numbers in
      numbers.sorted { a, b in
        let (first, second) = (set.objects[a], set.objects[b])
        if first.isCrowd != second.isCrowd { return first.isCrowd }
        return first.area != second.area ? first.area > second.area : a < b
      }
    }
    hasBackground = zeroIs == .background
    numbering = LabelNumbering(names: set.categories.map { $0.name }, zeroIs: zeroIs)
    annotations = set
  }

  /// The label map of a picture of the file.
  func labelMap(of image: Int) -> LabelMap {
    let size = annotations.images[image].size ?? PixelSize(width: 1, height: 1)
    var map = LabelMap(
      width: size.width, height: size.height, of: hasBackground ? 0 : LabelMap.ignored)
    for number in stacks[image] {
      let object = annotations.objects[number]
      guard let mask = annotations.mask(of: object), mask.size == size else { continue }
      map.set(UInt16(object.category + (hasBackground ? 1 : 0)), in: mask)
    }
    return map
  }
}
