import Imaging

/// A folder with a subfolder for each part of the set: `train` and `val`.
///
/// Names are compared without regard to capitals. The subfolder may hold a set of any other format.
struct DividedFolderFormat: DatasetFormat {
  var name: String { "a folder of images (flat, with classes, or divided)" }

  /// The words for each part; of several that are there the first is taken.
  static let splitNames: [DatasetSplit: [String]] = [
    .training: ["train", "training"],
    .validation: ["val", "valid", "validation", "dev", "test", "testing"],
  ]

  func recognizes(_ path: PathFacts) -> Bool {
    guard let train = folder(of: .training, in: path) else { return false }
    if folder(of: .validation, in: path) != nil { return true }
    // `train` alone is the part of a set, or a class among others: railways.
    let inside = (try? subfolders(of: joined(path.path, train))) ?? []
    if !inside.isEmpty { return true }
    return path.images.isEmpty
      && !path.folders.contains { name in
        name != train && holdsImages(joined(path.path, name))
      }
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    guard let name = folder(of: request.split, in: path) else {
      let words = (Self.splitNames[.validation] ?? []).joined(separator: ", ")
      throw DatasetError(
        .missingSplit, path: path.path,
        "has a train subfolder and none for validation; expected one of \(words)")
    }
    var part = request
    part.split = .training
    part.formats.removeAll { $0 is DividedFolderFormat }
    let set = try openDataset(at: joined(path.path, name), part)
    guard var noted = set as? any NotedDataset else { return set }
    noted.notes = notes(path) + noted.notes
    return noted
  }

  /// What of the folder is in no part.
  private func notes(_ path: PathFacts) -> [String] {
    var notes: [String] = []
    let parts = DatasetSplit.allCases.compactMap { folder(of: $0, in: path) }
    let unused = path.folders.filter { !parts.contains($0) }
    if !unused.isEmpty {
      notes.append("\(counted(unused.count, "folder")) not used: \(firstFew(unused))")
    }
    if !path.images.isEmpty {
      notes.append(
        "\(counted(path.images.count, "image")) not used, beside "
          + "\(parts.joined(separator: " and ")): \(firstFew(path.images))")
    }
    let shards = path.names.filter(ShardNames.isShard)
    if !shards.isEmpty {
      notes.append("\(counted(shards.count, "tar archive")) not used: \(firstFew(shards))")
    }
    if let note = FolderListing.note(systemFolders: path.systemFolders) { notes.append(note) }
    return notes
  }

  private func folder(of split: DatasetSplit, in path: PathFacts) -> String? {
    for word in Self.splitNames[split] ?? [] {
      if path.folders.contains(word) { return word }
      if let name = path.folders.first(where: { $0.lowercased() == word }) { return name }
    }
    return nil
  }

  private func holdsImages(_ folder: String) -> Bool {
    (try? FolderListing(folder, atMost: 0))?.images.isEmpty == false
  }
}
