import Imaging

/// A folder with a subfolder for each part of the set: `train` and `val`.
struct DividedFolderFormat: DatasetFormat {
  var name: String { "a folder of images (flat, with classes, or divided)" }

  static let splitNames: [DatasetSplit: [String]] = [
    .training: ["train", "training"],
    .validation: ["val", "valid", "validation", "test"],
  ]

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .folder && folder(of: .training, in: path) != nil
      && !path.names.contains { ImageFormat.allExtensions.contains(fileExtension($0)) }
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    guard let name = folder(of: request.split, in: path) else {
      throw DatasetError(
        .missingSplit, path: path.path,
        "has a train subfolder and none for validation; expected val, valid, validation or test")
    }
    return try FolderDataset(
      path: joined(path.path, name), classes: request.classes, limits: request.limits)
  }

  private func folder(of split: DatasetSplit, in path: PathFacts) -> String? {
    (Self.splitNames[split] ?? []).first { name in
      path.names.contains(name) && PathKind(joined(path.path, name)) == .folder
    }
  }
}
