public import Imaging

/// Opens whatever set of images is at a path.
///
/// - A folder with the files of an IDX set (`train-images-idx3-ubyte`, …), plain or gzipped.
/// - A folder with CIFAR's binary files (`data_batch_1.bin`, …, or `train.bin`, …).
/// - A folder with iNaturalist's lists (`train2018.json`, `val2018.json`, …), or one such list.
/// - A folder with the lists and images of Places365 or Places205, as their makers lay them out.
/// - A folder with `train` and `val` (`valid`, `validation`, `test`) subfolders: the one that
///   `split` names.
/// - A folder with tar archives and no images: those archives, `train…` and `val…` (`valid…`,
///   `validation…`, `test…`) apart where there are both.
/// - Any other folder: the images in it and below it.
/// - A tar archive, packed or not, or several by a name with braces, `name-{000000..000127}.tar`; also by
///   an address, `https://example.org/name-{000000..000127}.tar`.
/// - An IDX file: its images, with the labels beside it.
/// - A YAML file: a mixture of several of these, ``MixtureDataset``.
/// - A text file: a list of paths.
///
/// - Parameters:
///   - split: the part of a divided set; a set that is not divided is `training` as a whole.
///   - classes: the classes of another part of the same set, so that the numbers agree; an image of
///     any other class is refused.
/// - Throws: `DatasetError`; its `kind` tells a missing path from bad content.
public func openDataset(
  at path: String, split: DatasetSplit = .training, classes: [String]? = nil,
  limits: ImageLimits = .standard
) throws(DatasetError) -> any ImageDataset {
  if HTTPClient.isAddress(path) {
    guard isShard(String(path.prefix { $0 != "?" && $0 != "#" })) else {
      throw DatasetError(
        .malformed, path: HTTPClient.shown(path),
        "is no address of tar archives; expected https://…/name-{000000..000127}.tar")
    }
    guard split == .training else {
      throw undivided(HTTPClient.shown(path), "is one set of shards")
    }
    return try ShardDataset(path: path, classes: classes, limits: limits)
  }
  switch PathKind(path) {
  case .nothing where ShardNames.isPattern(path):
    guard split == .training else { throw undivided(path, "is one set of shards") }
    return try ShardDataset(path: path, classes: classes, limits: limits)
  case .nothing:
    throw DatasetError(
      .missing, path: path, "there is nothing here; give a folder of images or a list of paths")
  case .other:
    throw DatasetError(
      .malformed, path: path, "is a device or pipe; expected a folder or a file")
  case .file:
    if isIDX(path) { return try openIDX(images: path, classes: classes) }
    if isShard(path) {
      guard split == .training else { throw undivided(path, "is one shard") }
      return try ShardDataset(
        path: path, shards: [path], classes: classes, limits: limits)
    }
    if fileExtension(path) == "json" {
      var list = path
      if split == .validation {
        guard let other = INaturalistFolder.validation(of: path) else {
          throw undivided(path, "is a list")
        }
        list = other
      }
      return try INaturalistDataset(path: list, classes: classes, limits: limits)
    }
    if MixtureFile.isOne(path) {
      return try MixtureFile.open(path, split: split, classes: classes, limits: limits)
    }
    guard split == .training else { throw undivided(path, "is a list") }
    return try ListDataset(path: path, classes: classes, limits: limits)
  case .folder:
    let names = try names(in: path)
    if let set = IDXFolder(path, names: names) { return try set.open(split, classes: classes) }
    if let kind = CIFARDataset.Kind(names: names) {
      return try CIFARDataset(
        path: path, kind: kind, names: names, split: split, classes: classes)
    }
    if let set = INaturalistFolder(path, names: names) {
      return try INaturalistDataset(path: set.list(split), classes: classes, limits: limits)
    }
    if let set = PlacesFolder(path, names: names) {
      return try set.open(split, classes: classes, limits: limits)
    }
    if let chosen = try splitFolder(of: path, names: names, split) {
      return try FolderDataset(path: chosen, classes: classes, limits: limits)
    }
    if let shards = try shards(in: path, names: names, split) {
      return try ShardDataset(path: path, shards: shards, classes: classes, limits: limits)
    }
    guard split == .training else { throw undivided(path, "has no val or test subfolder") }
    return try FolderDataset(path: path, classes: classes, limits: limits)
  }
}

private func undivided(_ path: String, _ found: String) -> DatasetError {
  DatasetError(
    .missingSplit, path: path,
    "\(found); expected a set divided into train and val, or a second path for evaluation")
}

private let splitNames: [DatasetSplit: [String]] = [
  .training: ["train", "training"],
  .validation: ["val", "valid", "validation", "test"],
]

/// The subfolder with the part asked for; nil where the folder is not divided.
private func splitFolder(
  of path: String, names: [String], _ split: DatasetSplit
) throws(DatasetError) -> String? {
  func folder(_ split: DatasetSplit) -> String? {
    (splitNames[split] ?? []).first { name in
      names.contains(name) && PathKind(joined(path, name)) == .folder
    }
  }
  guard folder(.training) != nil,
    !names.contains(where: { ImageFormat.allExtensions.contains(fileExtension($0)) })
  else { return nil }
  guard let name = folder(split) else {
    throw DatasetError(
      .missingSplit, path: path,
      "has a train subfolder and none for validation; expected val, valid, validation or test")
  }
  return joined(path, name)
}

/// Whether a file has the name of an IDX file of images, gzipped or not.
private func isIDX(_ path: String) -> Bool {
  withoutGzip(lastComponent(path)).hasSuffix("idx3-ubyte")
}

/// Whether a name is that of a tar archive, packed or not.
private func isShard(_ name: String) -> Bool {
  [".tar", ".tar.gz", ".tgz", ".tar.zst"].contains { name.hasSuffix($0) }
}

/// The archives in a folder that are the part asked for; nil where there are none, or images beside
/// them.
private func shards(
  in path: String, names: [String], _ split: DatasetSplit
) throws(DatasetError) -> [String]? {
  let all = names.filter(isShard)
  guard !all.isEmpty,
    !names.contains(where: { ImageFormat.allExtensions.contains(fileExtension($0)) })
  else { return nil }
  func part(_ split: DatasetSplit) -> [String] {
    all.filter { name in (splitNames[split] ?? []).contains { name.hasPrefix($0) } }
  }
  let isDivided = !part(.training).isEmpty && !part(.validation).isEmpty
  guard isDivided || split == .training else {
    throw undivided(path, "has no shards called val… or test…")
  }
  return (isDivided ? part(split) : all).map { joined(path, $0) }
}
