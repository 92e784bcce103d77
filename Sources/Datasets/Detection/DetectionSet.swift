import FileSystem
public import Imaging

/// The pictures of a COCO file with their objects.
public struct DetectionSet: ImageDataset {
  /// What the file says.
  public let annotations: COCOAnnotations
  public let notes: [String]
  /// For each picture of the set its number in the file.
  public let pictures: [Int]
  /// The objects of each picture of the set, by their numbers in the file.
  public let objects: [[Int]]
  private let folder: String
  private let limits: ImageLimits

  /// What a set is opened for.
  public enum Purpose: Hashable, Sendable {
    /// For learning: without crowds, and without pictures that have no other objects unless they are
    /// kept.
    case training(keepsEmpty: Bool)
    /// For scores: everything is kept.
    case scoring
  }

  /// Opens a folder with `annotations/instances_train….json` (and `val`) beside pictures, or one file.
  ///
  /// - Parameters:
  ///   - pictures: The folder with the pictures; nil for the one beside the file that has them.
  ///   - skipsMissing: Whether pictures that are not there are left out.
  /// - Throws: `DatasetError`, of kind `missingSplit` where a folder has no such part.
  public init(
    at path: String, split: DatasetSplit = .training, pictures: String? = nil,
    purpose: Purpose = .scoring, skipsMissing: Bool = false, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    let path = try PathWords.path(path)
    var file = path
    var folder = pictures ?? String(path.dropLast(lastComponent(path).count + 1))
    if folder.isEmpty { folder = "." }
    switch PathKind(path) {
    case .nothing:
      throw DatasetError(
        .missing, path: path, "there is nothing here; give a COCO folder or file")
    case .other:
      throw DatasetError(.malformed, path: path, "is a device or pipe; expected a folder or file")
    case .file: break
    case .folder:
      guard let found = LabelMapLayout.coco(split, in: path) else {
        let word = split == .training ? "train" : "val"
        throw DatasetError(
          .missingSplit, path: path,
          "has no annotations/instances_\(word).json; expected one beside the pictures, or name a "
            + "COCO file")
      }
      (file, folder) = (found.annotations, pictures ?? found.pictures)
    }
    let set = try COCOAnnotations(path: file, forScoring: purpose == .scoring)
    var (picks, missing) = ([Int](), [String]())
    var objects = set.objectsOfImages()
    var keepsEmpty = true
    if case .training(let keeps) = purpose {
      keepsEmpty = keeps
      for image in objects.indices { objects[image].removeAll { set.objects[$0].isCrowd } }
    }
    for (number, image) in set.images.enumerated() where keepsEmpty || !objects[number].isEmpty {
      if PathKind(joined(folder, image.fileName)) == .file {
        picks.append(number)
      } else {
        missing.append(image.fileName)
      }
    }
    guard missing.isEmpty || skipsMissing && !picks.isEmpty else {
      throw DatasetError(
        .missing, path: folder,
        "lacks \(missing.count) of the \(set.images.count) pictures of \(lastComponent(file)) "
          + "(\(firstFew(missing))); name their folder (--images), or leave them out (--skip-missing)"
      )
    }
    guard !picks.isEmpty else {
      throw DatasetError(.malformed, path: file, "has no pictures with objects to learn from")
    }
    var notes = set.problems.lines
    if !missing.isEmpty {
      notes.append(
        "\(counted(missing.count, "picture")) not there and left out: \(firstFew(missing))")
    }
    let empty = set.images.count - picks.count - missing.count
    if empty > 0 {
      notes.append(
        "\(counted(empty, "picture")) of \(lastComponent(file)) without objects left out "
          + "(labels.keepsEmpty)")
    }
    self.init(set, picks, picks.map { objects[$0] }, folder: folder, notes: notes, limits)
  }

  private init(
    _ set: COCOAnnotations, _ pictures: [Int], _ objects: [[Int]], folder: String,
    notes: [String], _ limits: ImageLimits
  ) {
    annotations = set
    self.pictures = pictures
    self.objects = objects
    self.folder = folder
    self.notes = notes
    self.limits = limits
  }

  /// Some pictures of the set, by their numbers in it, in that order.
  public func subset(_ indices: [Int]) -> DetectionSet {
    DetectionSet(
      annotations, indices.map { pictures[$0] }, indices.map { objects[$0] }, folder: folder,
      notes: notes, limits)
  }

  /// A part of the set, chosen by chance: the nearest whole number of pictures, at least one. A smaller
  /// part of the same seed is a part of a larger one; pictures keep their order.
  ///
  /// - Precondition: `fraction` is above 0 and at most 1.
  public func subset(fraction: Double, seed: UInt64) -> DetectionSet {
    precondition(fraction > 0 && fraction <= 1, "a part of \(fraction)")
    let keys = (0..<count).map { (key: LabelMapSubset.key(name(of: $0), seed: seed), index: $0) }
    let kept = min(count, max(1, Int((fraction * Double(count)).rounded())))
    return subset(
      keys.sorted { ($0.key, $0.index) < ($1.key, $1.index) }.prefix(kept).map(\.index).sorted())
  }

  /// Whether all objects of the set's pictures have masks.
  public var hasMasks: Bool {
    objects.allSatisfy { $0.allSatisfy { annotations.hasMask(annotations.objects[$0]) } }
  }

  public var count: Int { pictures.count }
  public var classes: [String]? { nil }
  public func label(of index: Int) -> Int? { nil }
  public func name(of index: Int) -> String {
    annotations.images[pictures[index]].fileName.shownPath
  }
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    .encoded(
      try EncodedImage(
        path: joined(folder, annotations.images[pictures[index]].fileName), limits: limits))
  }

  /// A picture's objects as a view of it shows them.
  public func objects(of index: Int, in view: DetectionView) -> [DetectionObject] {
    objects[index].compactMap {
      DetectionObject(annotations.objects[$0], of: annotations, in: view)
    }
  }
}
