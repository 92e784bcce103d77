import Dispatch
import FileSystem
public import Imaging
import Synchronization

/// The images of WebDataset tar archives, in the order of the archives and of the images in them.
///
/// An image is read from its place in the archive, so any order costs the same. Where it lies is
/// known from an index file beside the archive (`NAME.tar.index`, which ``ShardPacking`` and
/// ``ShardDataset/writeIndex(of:)`` write) or from reading the archive's headers. Archives that are
/// packed as a whole (`.tar.gz`, `.tar.zst`) have no places to read from and are unpacked into the
/// user's cache first.
///
/// Archives with an address, `https://…`, `s3://…` or `gs://…`, are read in parts and kept on this machine as far as
/// ``RemoteShardSettings`` allow.
///
/// 20 bytes of memory an image, and its name.
public struct ShardDataset: ImageDataset, NotedDataset {
  /// What was opened: a path with braces, or one archive.
  public let path: String
  /// The archives.
  public let shards: [String]
  /// The classes' names or numbers; nil where no image has one.
  public let classes: [String]?
  public let labelProblem: DatasetError?
  public package(set) var notes: [String]
  private let indexes: [ShardIndex]
  /// Number of the first image of each shard, and the number of all.
  private let firsts: [Int]
  /// For each shard the numbers of its classes; empty where they are the set's.
  private let renumbering: [[Int32]]
  private let files: ShardFiles
  private let limits: ImageLimits

  /// Opens archives.
  ///
  /// - Parameters:
  ///   - path: an archive, or a path with braces such as `train-{000000..000127}.tar`; also an
  ///     address, `https://example.org/train-{000000..000127}.tar`.
  ///   - classes: the classes of another part of the same set, so that numbers agree.
  ///   - remote: how archives with an address are read.
  public init(
    path: String, classes: [String]? = nil, limits: ImageLimits = .standard,
    remote: RemoteShardSettings = .standard
  ) throws(DatasetError) {
    let shards = try ShardNames.expanded(path)
    guard HTTPClient.isAddress(path) else {
      try self.init(path: path, shards: shards, classes: classes, limits: limits)
      return
    }
    try self.init(
      path: HTTPClient.shown(path), addresses: shards.map { RemoteAddress($0) },
      set: ShardSetIndex.address(ofPattern: path).map { RemoteAddress($0) }, classes: classes,
      limits: limits, remote: remote)
  }

  /// Opens the archives whose addresses a text file lists, one a line; it is read again when a
  /// server no longer takes an address.
  init(
    list path: String, classes: [String]? = nil, limits: ImageLimits = .standard,
    remote: RemoteShardSettings = .standard
  ) throws(DatasetError) {
    try self.init(
      path: path, addresses: AddressList(path).addresses, set: nil, classes: classes,
      limits: limits, remote: remote)
  }

  init(
    path: String, shards: [String], classes wanted: [String]? = nil,
    limits: ImageLimits = .standard, cache: String = UnpackedShards.cacheFolder
  ) throws(DatasetError) {
    let opened = Mutex<[Result<(String, ShardIndex), FileError>?]>(
      Array(repeating: nil, count: shards.count))
    DispatchQueue.concurrentPerform(iterations: shards.count) { i in
      let result = Result { () throws(FileError) -> (String, ShardIndex) in
        let file = try UnpackedShards.open(shards[i], cache: cache)
        return (file.path, try ShardIndex.of(file))
      }
      opened.withLock { $0[i] = result }
    }
    var places: [String] = []
    var indexes: [ShardIndex] = []
    for result in opened.withLock({ $0 }) {
      guard let result else { continue }
      do throws(FileError) {
        let (place, index) = try result.get()
        places.append(place)
        indexes.append(index)
      } catch {
        throw DatasetError(error.named(path))
      }
    }
    try self.init(
      path: path, shards: shards, indexes: indexes, files: ShardFiles(places.map { .file($0) }),
      classes: wanted, limits: limits)
  }

  private init(
    path: String, addresses: [RemoteAddress], set setAddress: RemoteAddress?,
    classes: [String]?, limits: ImageLimits, remote: RemoteShardSettings
  ) throws(DatasetError) {
    let set: RemoteShards
    do throws(FileError) {
      set = try RemoteShards(addresses, set: setAddress, settings: remote)
    } catch {
      throw DatasetError(error.named(path))
    }
    let places = set.unpacked.map { $0.map { ShardFiles.Place.file($0) } ?? .remote }
    try self.init(
      path: path, shards: addresses.map { HTTPClient.shown($0.key) }, indexes: set.indexes,
      files: ShardFiles(places, remote: set), classes: classes, limits: limits)
  }

  private init(
    path: String, shards: [String], indexes: [ShardIndex], files: ShardFiles,
    classes wanted: [String]?, limits: ImageLimits
  ) throws(DatasetError) {
    self.path = path
    self.shards = shards
    self.limits = limits
    self.indexes = indexes
    self.files = files
    firsts = indexes.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    var names = ShardClasses(none: indexes.count)
    var problem: DatasetError?
    do throws(DatasetError) {
      names = try ShardClasses(indexes, shards: shards, wanted: wanted)
    } catch {
      // Images can be looked at without their classes.
      if wanted != nil { throw error }
      problem = error
    }
    labelProblem = problem
    notes = zip(shards, indexes).flatMap { shard, index in
      index.notes.map { "\(shard.shownPath): \($0)" }
    }
    classes = names.classes
    renumbering = names.renumbering
    guard count > 0 else {
      throw DatasetError(
        .empty, path: path, "holds no images; expected \(ImageFormat.extensionList) files")
    }
  }

  /// Number of images.
  public var count: Int { firsts[firsts.count - 1] }

  /// The number of images in each shard.
  public var shardCounts: [Int] { indexes.map(\.count) }

  /// A run for each shard.
  public var layout: DatasetLayout { DatasetLayout(runs: shardCounts) }

  /// The class that the archive gives an image.
  public func label(of index: Int) -> Int? {
    guard classes != nil else { return nil }
    let (shard, i) = shardPlace(of: index)
    let label = indexes[shard].label(i)
    guard label >= 0 else { return nil }
    return Int(renumbering[shard].isEmpty ? label : renumbering[shard][Int(label)])
  }

  /// The archive's path and the path in it.
  public func name(of index: Int) -> String {
    let (shard, i) = shardPlace(of: index)
    return (shards[shard] + "/" + indexes[shard].name(i)).shownPath
  }

  /// Reads an image from its archive.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let (shard, i) = shardPlace(of: index)
    let (offset, size, packing) = indexes[shard].place(i)
    do throws(ImageError) {
      return .encoded(
        try EncodedImage(bytes: file(size, at: offset, of: shard, packing), limits: limits))
    } catch {
      throw ImageError(error.kind, name: name(of: index), error.reason)
    }
  }

  private func file(
    _ size: Int, at offset: Int, of shard: Int, _ packing: Packing
  ) throws(ImageError) -> [UInt8] {
    guard size <= limits.fileBytes else {
      throw ImageError(
        .tooLarge, "has \(size) bytes; files of at most \(limits.fileBytes) are read")
    }
    do throws(FileError) {
      return try packing.unpacked(
        files.bytes(size, at: offset, of: shard), limit: limits.fileBytes)
    } catch {
      throw ImageError(error)
    }
  }

  private func shardPlace(of index: Int) -> (shard: Int, image: Int) {
    precondition(index >= 0 && index < count, "image \(index) of \(count)")
    var low = 0
    var high = indexes.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if firsts[middle] <= index { low = middle } else { high = middle }
    }
    return (low, index - firsts[low])
  }

  /// Writes the index file of an archive beside it, so that opening it reads no headers.
  ///
  /// - Returns: the index file's path.
  @discardableResult
  public static func writeIndex(of shard: String) throws(DatasetError) -> String {
    do throws(FileError) {
      let file = try ReadableFile(shard)
      let index = try ShardIndex(scanning: file)
      try replaceFile(at: shard + ShardIndex.suffix, with: index.bytes)
      return shard + ShardIndex.suffix
    } catch {
      throw DatasetError(error.named(shard))
    }
  }
}

extension ShardDataset: PartlyReadDataset {
  func expectReading(_ images: [Range<Int>], processes: Int) {
    var shards: [Int] = []
    for range in images where !range.isEmpty {
      let last = shardPlace(of: range.upperBound - 1).shard
      for shard in shardPlace(of: range.lowerBound).shard...last where shards.last != shard {
        shards.append(shard)
      }
    }
    files.remote?.keep(shards, sharedBy: processes)
  }
}

extension ShardDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? {
    let (shard, i) = shardPlace(of: index)
    let (offset, size, _) = indexes[shard].place(i)
    return files.path(of: shard).map { .file($0, offset..<offset + size) }
  }
}

/// Archives that are read from; no more are open at a time than a process may have.
final class ShardFiles: Sendable {
  /// Where an archive is.
  enum Place: Sendable {
    case file(String)
    case remote
  }

  private let places: [Place]
  let remote: RemoteShards?
  private let open = Mutex<(files: [Int: ReadableFile], order: [Int])>(([:], []))

  /// Most archives that stay open.
  static let most = 256

  /// - Parameter remote: the archives that are on servers, with the numbers of `places`.
  init(_ places: [Place], remote: RemoteShards? = nil) {
    self.places = places
    self.remote = remote
  }

  /// The file of an archive; nil where it is not on this machine.
  func path(of shard: Int) -> String? {
    switch places[shard] {
    case .file(let path): path
    case .remote: remote?.shards[shard].keptFile
    }
  }

  /// A part of an archive.
  func bytes(_ count: Int, at offset: Int, of shard: Int) throws(FileError) -> [UInt8] {
    if let file = open.withLock({ $0.files[shard] }) { return try file.bytes(count, at: offset) }
    // Without the lock: two threads may open the same file, and one is closed again.
    let file: ReadableFile
    switch places[shard] {
    case .file(let path): file = try ReadableFile(path)
    case .remote:
      guard let remote else { preconditionFailure("a remote archive of no remote set") }
      guard let kept = remote.shards[shard].openKept() else {
        return try remote.bytes(count, at: offset, of: shard)
      }
      file = kept
    }
    return try kept(file, shard).bytes(count, at: offset)
  }

  private func kept(_ file: ReadableFile, _ shard: Int) -> ReadableFile {
    open.withLock { open in
      if let other = open.files[shard] { return other }
      if open.order.count == Self.most { open.files[open.order.removeFirst()] = nil }
      open.files[shard] = file
      open.order.append(shard)
      return file
    }
  }
}
