public import Imaging

/// Opens a set of pictures with label maps.
///
/// - `images/training` beside `annotations/training` (and `validation`): ADE20K, where 0 is ignored;
///   its 150 classes unless a class table says otherwise.
/// - `images/train` beside `labels/train`, `masks/train` or `annotations/train` (and `val`);
///   `train/images` beside `train/labels`; `images` beside `labels`; the folders of `rules`.
/// - A folder with `annotations/instances_train….json` beside pictures, or one COCO file: pixels of
///   objects have the object's class; smaller objects lie on larger ones.
///
/// The classes are those of `classes.csv` (`id,name[,red,green,blue]`) or `classes.txt` in the set's
/// folder, or of the rules' file.
///
/// - Throws: `DatasetError`; also where the set does not say what 0 is and the rules do not either.
public func openLabelMaps(
  at path: String, split: DatasetSplit = .training, rules: LabelRules = LabelRules(),
  limits: ImageLimits = .standard
) throws(DatasetError) -> any LabelMapDataset {
  let path = try PathWords.path(path)
  switch PathKind(path) {
  case .nothing:
    throw DatasetError(
      .missing, path: path, "there is nothing here; give a folder of pictures and label maps")
  case .file:
    return try COCOLabelMaps(
      annotations: path, pictures: rules.images, rules: rules, split: split, limits: limits)
  case .other: throw DatasetError(.malformed, path: path, "is a device or pipe; expected a folder")
  case .folder: break
  }
  let layout = try LabelMapLayout(path, rules: rules)
  let found = try layout.part(split)
  switch found {
  case .coco(let annotations, let pictures):
    return try COCOLabelMaps(
      annotations: annotations, pictures: pictures, rules: rules, split: split, limits: limits)
  case .folders(let pictures, let labels):
    let (numbering, ignoredColors) = try layout.numbering(rules)
    return try LabelMapFolder(
      pictures: pictures, labels: labels, numbering: numbering, ignoredColors: ignoredColors,
      limits: limits)
  }
}

/// Whether a path holds pictures with label maps, for commands that take any set.
package func holdsLabelMaps(_ path: String) -> Bool {
  guard let path = try? PathWords.path(path), PathKind(path) == .folder else { return false }
  guard let layout = try? LabelMapLayout(path, rules: LabelRules()) else { return false }
  return (try? layout.part(.training)) != nil || (try? layout.part(.validation)) != nil
}

/// Where the parts of a set of label maps are.
struct LabelMapLayout {
  /// Where a part of the set is.
  enum Part: Hashable {
    case folders(pictures: String, labels: String)
    case coco(annotations: String, pictures: String)
  }

  let path: String
  private let rules: LabelRules
  private var parts: [DatasetSplit: Part] = [:]
  /// Whether the set is laid out as ADE20K is.
  private(set) var isADE20K = false

  private static let labelNames = ["annotations", "labels", "masks", "gtFine", "segmentation"]

  init(_ path: String, rules: LabelRules) throws(DatasetError) {
    self.path = path
    self.rules = rules
    let facts = try PathFacts(path)
    let pictureNames = rules.images.map { [$0] } ?? ["images", "pictures"]
    let labelNames = rules.labels.map { [$0] } ?? Self.labelNames
    let pictures = pictureNames.filter { PathKind(joined(path, $0)) == .folder }
    for split in DatasetSplit.allCases {
      for label in labelNames where PathKind(joined(path, label)) == .folder {
        for picture in pictures where parts[split] == nil {
          find(split, joined(path, picture), joined(path, label))
        }
      }
      // train/images beside train/labels.
      for word in DividedFolderFormat.splitNames[split] ?? [] where facts.folders.contains(word) {
        let folder = joined(path, word)
        for picture in pictureNames {
          for label in labelNames where parts[split] == nil {
            let (images, maps) = (joined(folder, picture), joined(folder, label))
            if PathKind(images) == .folder, holdsPNG(maps) {
              parts[split] = .folders(pictures: images, labels: maps)
            }
          }
        }
      }
    }
    findCOCO(facts)
    // Two folders that are not divided.
    if parts.isEmpty {
      for picture in pictures {
        for label in labelNames where parts[.training] == nil && holdsPNG(joined(path, label)) {
          parts[.training] = .folders(
            pictures: joined(path, picture), labels: joined(path, label))
        }
      }
    }
  }

  private mutating func find(_ split: DatasetSplit, _ pictures: String, _ labels: String) {
    for word in DividedFolderFormat.splitNames[split] ?? [] {
      let (images, maps) = (joined(pictures, word), joined(labels, word))
      guard PathKind(images) == .folder, holdsPNG(maps) else { continue }
      parts[split] = .folders(pictures: images, labels: maps)
      if lastComponent(pictures) == "images", lastComponent(labels) == "annotations",
        word == "training" || word == "validation"
      {
        isADE20K = true
      }
      return
    }
  }

  private mutating func findCOCO(_ facts: PathFacts) {
    for split in DatasetSplit.allCases where parts[split] == nil {
      guard let found = Self.coco(split, in: path) else { continue }
      parts[split] = .coco(annotations: found.annotations, pictures: found.pictures)
    }
  }

  /// `annotations/instances_train2017.json` beside `train2017` or `images/train2017`; nil where there
  /// is none.
  static func coco(
    _ split: DatasetSplit, in path: String
  ) -> (annotations: String, pictures: String)? {
    let folder = joined(path, "annotations")
    guard PathKind(folder) == .folder, let inside = try? names(in: folder) else { return nil }
    for word in DividedFolderFormat.splitNames[split] ?? [] {
      let files = inside.filter { $0.hasPrefix("instances_" + word) && $0.hasSuffix(".json") }
      guard let file = files.first else { continue }
      let name = String(file.dropFirst("instances_".count).dropLast(".json".count))
      let pictures = [name, "images/" + name, "images/" + word, "images", ""].map {
        $0.isEmpty ? path : joined(path, $0)
      }.first { PathKind($0) == .folder }
      return (joined(folder, file), pictures ?? path)
    }
    return nil
  }

  private func holdsPNG(_ folder: String) -> Bool {
    guard PathKind(folder) == .folder, let listing = try? FolderListing(folder, atMost: 0) else {
      return false
    }
    return !listing.images.isEmpty
  }

  func part(_ split: DatasetSplit) throws(DatasetError) -> Part {
    if let part = parts[split] { return part }
    guard !parts.isEmpty else {
      throw DatasetError(
        .malformed, path: path,
        "has no label maps; expected images/training beside annotations/training (and validation), "
          + "images beside labels, or annotations/instances_train.json; or name the folders "
          + "(--images, --labels)")
    }
    let word = split == .training ? "training" : "validation"
    throw DatasetError(
      .missingSplit, path: path,
      "has no \(word) part with label maps; expected images/\(word) beside "
        + "annotations/\(word)")
  }

  /// The classes, and colours that are ignored.
  func numbering(_ rules: LabelRules) throws(DatasetError) -> (LabelNumbering, [UInt32]) {
    let file =
      rules.classes
      ?? ClassTable.names.map { joined(path, $0) }.first { PathKind($0) == .file }
    if let words = rules.classes, let count = Int(words), PathKind(words) == .nothing {
      guard (1...32_767).contains(count) else {
        throw DatasetError(
          .malformed, path: path, "is said to have \(count) classes; expected 1 to 32767")
      }
      let names = (0..<count).map { String(rules.zeroIs == nil ? $0 : $0 + 1) }
      return (LabelNumbering(names: names, zeroIs: rules.zeroIs), [])
    }
    guard let file else {
      if isADE20K { return (LabelNumbering(names: ade20KClasses, zeroIs: .ignored), []) }
      throw DatasetError(
        .malformed, path: path,
        "does not say which classes its label maps have; add classes.csv (id,name a line) or "
          + "classes.txt (a name a line, from 0), or name one (--classes). mae data inspect lists the "
          + "numbers that occur")
    }
    let table = try ClassTable(path: file)
    let zeroIs = rules.zeroIs ?? (isADE20K ? .ignored : nil)
    guard table.saysWhatZeroIs || zeroIs != nil || table.entries.allSatisfy({ $0.color != nil })
    else {
      throw DatasetError(
        .malformed, path: file,
        "does not say what 0 is; give it a line, or say --zero-is background or --zero-is ignored "
          + "(labels.zeroIs)")
    }
    return (table.numbering(zeroIs: zeroIs), table.ignoredColors)
  }
}
