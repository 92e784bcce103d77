import Imaging

/// Tar archives on a server.
struct ShardAddressFormat: DatasetFormat {
  var name: String { ShardFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .address && ShardNames.isShard(String(path.path.prefix { $0 != "?" && $0 != "#" }))
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: HTTPClient.shown(path.path), "is one set of shards")
    return try ShardDataset(path: path.path, classes: request.classes, limits: request.limits)
  }
}

/// A text file with the addresses of tar archives.
struct ShardListFormat: DatasetFormat {
  var name: String { ShardFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .file && AddressList.isOne(path.path)
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: path.path, "is a list of shards")
    return try ShardDataset(list: path.path, classes: request.classes, limits: request.limits)
  }
}

/// Tar archives by a name with braces.
struct ShardPatternFormat: DatasetFormat {
  var name: String { ShardFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .nothing && ShardNames.isPattern(path.path)
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: path.path, "is one set of shards")
    return try ShardDataset(path: path.path, classes: request.classes, limits: request.limits)
  }
}

/// One tar archive.
struct ShardFileFormat: DatasetFormat {
  var name: String { "tar shards (name-{000000..000127}.tar, also https://, s3:// and gs://)" }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .file && ShardNames.isShard(path.path)
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    try request.refuseValidation(of: path.path, "is one shard")
    return try ShardDataset(
      path: path.path, shards: [path.path], classes: request.classes, limits: request.limits)
  }
}

/// A folder of tar archives. A few images beside them do not change that, nor do a few archives
/// make a folder of images one of archives.
struct ShardFolderFormat: DatasetFormat {
  var name: String { ShardFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool {
    guard path.kind == .folder else { return false }
    let shards = path.names.filter(ShardNames.isShard)
    guard !shards.isEmpty else { return false }
    // Many images are a set of their own, whatever they take.
    let most = max(shards.count, 1000)
    guard let images = try? FolderListing(path.path, atMost: most).images, images.count <= most
    else { return false }
    func bytes(_ names: some Sequence<String>) -> Int {
      names.reduce(0) { $0 + (FileIdentity(joined(path.path, $1), nil)?.size ?? 0) }
    }
    // An archive of the folder's own images is a little larger than they are.
    return images.count <= shards.count || bytes(shards) >= 10 * bytes(images)
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    let all = path.names.filter(ShardNames.isShard)
    let training = all.filter { Self.split(of: $0) == .training }
    let validation = all.filter { Self.split(of: $0) == .validation }
    let isDivided = !training.isEmpty && !validation.isEmpty
    if !isDivided {
      try request.refuseValidation(of: path.path, "has no shards called val… or test…")
    }
    let names = !isDivided ? all : request.split == .training ? training : validation
    var set = try ShardDataset(
      path: path.path, shards: names.map { joined(path.path, $0) }, classes: request.classes,
      limits: request.limits)
    let unused = isDivided ? all.filter { Self.split(of: $0) == nil } : []
    if !unused.isEmpty {
      set.notes.append(
        "\(counted(unused.count, "tar archive")) neither train… nor val… and not used: "
          + firstFew(unused))
    }
    let images = (try? FolderListing(path.path, atMost: 1000).images) ?? StringTable()
    if !images.isEmpty {
      set.notes.append(
        "\(counted(images.count, "image")) not used, beside the archives: \(firstFew(images))")
    }
    return set
  }

  /// The part that an archive's name begins with.
  private static func split(of name: String) -> DatasetSplit? {
    let name = name.lowercased()
    for split in DatasetSplit.allCases {
      for word in DividedFolderFormat.splitNames[split] ?? [] where name.hasPrefix(word) {
        // Not `device-000.tar`.
        let rest = name.dropFirst(word.count)
        if word != "dev" || rest.first?.isLetter != true { return split }
      }
    }
    return nil
  }
}
