import Imaging

/// The parts of the Places sets as their makers lay them out.
///
/// - Places365: `places365_train_standard.txt` (or `…_challenge.txt`), `places365_val.txt` and
///   `categories_places365.txt` in the folder (or in the folder their archive makes), the images in
///   `data_large_standard` or `data_256_standard` and `val_large` or `val_256`.
/// - Places205: `trainvalsplit_places205/train_places205.csv` and `val_places205.csv`, the images
///   in `data/vision/torralba/deeplearning/images256` or `images256`.
///
/// Of two sizes the larger is taken, if both parts have it. Classes are named without the letter
/// they begin with: `airfield`, `apartment_building/outdoor`.
struct PlacesFolder {
  private let path: String
  private let version: Version
  /// The folder of the lists.
  private let lists: String

  private enum Version {
    case places205
    case places365
  }

  /// Nil where there are no such lists.
  init?(_ path: String, names: [String]) {
    self.path = path
    let homes: [(Version, [String], [String])] = [
      (
        .places365, ["", "filelist_places365-standard", "filelist_places365-challenge", "meta"],
        ["places365_train_standard.txt", "places365_train_challenge.txt", "places365_val.txt"]
      ),
      (.places205, ["", "trainvalsplit_places205"], ["train_places205.csv", "val_places205.csv"]),
    ]
    for (version, folders, files) in homes {
      for folder in folders where folder.isEmpty || names.contains(folder) {
        let home = folder.isEmpty ? path : joined(path, folder)
        if files.contains(where: { PathKind(joined(home, $0)) == .file }) {
          (self.version, lists) = (version, home)
          return
        }
      }
    }
    return nil
  }

  /// Opens one part.
  func open(
    _ split: DatasetSplit, classes: [String]?, limits: ImageLimits
  ) throws(DatasetError) -> ListDataset {
    let (list, images) = try version == .places365 ? files365(split) : files205(split)
    let names = try version == .places365 ? categories365() : categories205(list)
    return try ListDataset(
      path: list, folder: images, names: names, classes: classes, limits: limits)
  }

  private func files365(_ split: DatasetSplit) throws(DatasetError) -> (
    list: String, images: String
  ) {
    let sizes = ["large", "256"]
    func folder(_ split: DatasetSplit, _ variant: String, _ size: String) -> String? {
      let names =
        split == .training ? ["data_\(size)_\(variant)", "data_\(size)"] : ["val_\(size)"]
      return names.map { joined(path, $0) }.first { PathKind($0) == .folder }
    }
    let variants = ["standard", "challenge"].filter {
      PathKind(joined(lists, "places365_train_\($0).txt")) == .file
    }
    // A list without its images does not count while another has them.
    let variant =
      variants.first { variant in sizes.contains { folder(.training, variant, $0) != nil } }
      ?? variants.first ?? "standard"
    let name = split == .training ? "places365_train_\(variant).txt" : "places365_val.txt"
    let list = joined(lists, name)
    guard PathKind(list) == .file else {
      throw DatasetError(.missingSplit, path: path, "has no \(name) for \(split.rawValue)")
    }
    let complete = sizes.filter { size in
      DatasetSplit.allCases.allSatisfy { folder($0, variant, size) != nil }
    }
    for size in complete + sizes {
      if let images = folder(split, variant, size) { return (list, images) }
    }
    let expected =
      split == .training
      ? "data_large_\(variant) or data_256_\(variant)" : "val_large or val_256"
    throw DatasetError(
      .missing, path: path, "has \(name) and not its images; expected them in \(expected)")
  }

  private func files205(_ split: DatasetSplit) throws(DatasetError) -> (
    list: String, images: String
  ) {
    let name = split == .training ? "train_places205.csv" : "val_places205.csv"
    let list = joined(lists, name)
    guard PathKind(list) == .file else {
      throw DatasetError(.missingSplit, path: path, "has no \(name) for \(split.rawValue)")
    }
    let folders = ["data/vision/torralba/deeplearning/images256", "images256"]
    guard let images = folders.map({ joined(path, $0) }).first(where: { PathKind($0) == .folder })
    else {
      throw DatasetError(
        .missing, path: path,
        "has \(name) and not its images; expected them in \(folders.joined(separator: " or "))")
    }
    return (list, images)
  }

  /// The classes by the file that names them: `/a/airfield 0`.
  private func categories365() throws(DatasetError) -> [String] {
    let file = joined(lists, "categories_places365.txt")
    var names: [Int: String] = [:]
    let lines = try ListLines(file)
    for (name, tag) in lines {
      guard let number = tag.flatMap({ Int($0) }),
        names.updateValue(withoutLetter(name), forKey: number) == nil
      else {
        throw DatasetError(
          .malformed, path: file,
          "has a line \"\(name)\" without a number of its own; expected lines "
            + "like /a/airfield 0")
      }
    }
    let sorted = names.sorted { $0.key < $1.key }
    guard !sorted.isEmpty, sorted.map(\.key) == Array(0..<sorted.count) else {
      throw DatasetError(
        .malformed, path: file, "numbers its \(sorted.count) classes with gaps; expected 0, 1, …")
    }
    return sorted.map(\.value)
  }

  /// The classes by the folders of the training images, or of a list's own.
  private func categories205(_ list: String) throws(DatasetError) -> [String] {
    let training = joined(lists, "train_places205.csv")
    let source = PathKind(training) == .file ? training : list
    var names: [Int: String] = [:]
    for (image, tag) in try ListLines(source) {
      guard let number = tag.flatMap({ Int($0) }), (0..<ListDataset.mostClasses).contains(number),
        let slash = image.lastIndex(of: "/")
      else {
        throw DatasetError(
          .malformed, path: source, "has a line \"\(image)\"; expected lines like a/abbey/1.jpg 0")
      }
      if names[number] == nil { names[number] = withoutLetter(image[..<slash]) }
    }
    return (0...(names.keys.max() ?? 0)).map { names[$0] ?? String($0) }
  }

  /// `/a/airfield` without the letter, `airfield`.
  private func withoutLetter(_ name: Substring) -> String {
    let name = name.drop { $0 == "/" }
    let parts = name.split(separator: "/", maxSplits: 1)
    return parts.count == 2 && parts[0].utf8.count == 1 ? String(parts[1]) : String(name)
  }
}

/// A folder with the lists and images of Places365 or Places205.
struct PlacesFormat: DatasetFormat {
  var name: String { "a Places folder" }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .folder && PlacesFolder(path.path, names: path.names) != nil
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    guard let set = PlacesFolder(path.path, names: path.names) else {
      preconditionFailure("\(path.path) has no lists of Places")
    }
    return try set.open(request.split, classes: request.classes, limits: request.limits)
  }
}
