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
  var name: String { "tar shards (name-{000000..000127}.tar, also https://)" }

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

/// A folder of tar archives, with no images beside them.
struct ShardFolderFormat: DatasetFormat {
  var name: String { ShardFileFormat().name }

  func recognizes(_ path: PathFacts) -> Bool {
    path.kind == .folder && path.names.contains(where: ShardNames.isShard)
      && !path.names.contains { ImageFormat.allExtensions.contains(fileExtension($0)) }
  }

  func open(
    _ path: PathFacts, _ request: DatasetRequest
  ) throws(DatasetError) -> any ImageDataset {
    let all = path.names.filter(ShardNames.isShard)
    func part(_ split: DatasetSplit) -> [String] {
      let words = DividedFolderFormat.splitNames[split] ?? []
      return all.filter { name in words.contains { name.hasPrefix($0) } }
    }
    let isDivided = !part(.training).isEmpty && !part(.validation).isEmpty
    if !isDivided {
      try request.refuseValidation(of: path.path, "has no shards called val… or test…")
    }
    let shards = (isDivided ? part(request.split) : all).map { joined(path.path, $0) }
    return try ShardDataset(
      path: path.path, shards: shards, classes: request.classes, limits: request.limits)
  }
}
