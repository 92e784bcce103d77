import Dispatch
public import Imaging
import Synchronization

/// The images of WebDataset tar archives, in the order of the archives and of the images in them.
///
/// An image is read from its place in the archive, so any order costs the same. Where it lies is known
/// from an index file beside the archive (`NAME.tar.index`, which ``ShardPacking`` and
/// ``ShardDataset/writeIndex(of:)`` write) or from reading the archive's headers. Archives that are packed
/// as a whole (`.tar.gz`, `.tar.zst`) have no places to read from and are unpacked into the user's cache
/// first.
///
/// 20 bytes of memory an image, and its name.
public struct ShardDataset: ImageDataset {
  /// What was opened: a path with braces, or one archive.
  public let path: String
  /// The archives.
  public let shards: [String]
  /// The classes' names or numbers; nil where no image has one.
  public let classes: [String]?
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
  ///   - path: an archive, or a path with braces such as `train-{000000..000127}.tar`.
  ///   - classes: the classes of another part of the same set, so that numbers agree.
  public init(
    path: String, classes: [String]? = nil, limits: ImageLimits = .standard
  ) throws(DatasetError) {
    try self.init(
      path: path, shards: ShardNames.expanded(path), classes: classes, limits: limits)
  }

  init(
    path: String, shards: [String], classes wanted: [String]? = nil,
    limits: ImageLimits = .standard, cache: String = UnpackedShards.cacheFolder
  ) throws(DatasetError) {
    let opened = Mutex<[Result<(String, ShardIndex), ImageError>?]>(
      Array(repeating: nil, count: shards.count))
    DispatchQueue.concurrentPerform(iterations: shards.count) { i in
      let result = Result { () throws(ImageError) -> (String, ShardIndex) in
        let file = try UnpackedShards.open(shards[i], cache: cache)
        return (file.path, try ShardIndex.of(file))
      }
      opened.withLock { $0[i] = result }
    }
    var places: [String] = []
    var indexes: [ShardIndex] = []
    for result in opened.withLock({ $0 }) {
      guard let result else { continue }
      do throws(ImageError) {
        let (place, index) = try result.get()
        places.append(place)
        indexes.append(index)
      } catch {
        throw DatasetError(error, path: error.name ?? path)
      }
    }
    self.path = path
    self.shards = shards
    self.limits = limits
    self.indexes = indexes
    firsts = indexes.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    files = ShardFiles(places)
    let names = try ShardClasses(indexes, shards: shards, wanted: wanted)
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
    return shards[shard] + "/" + indexes[shard].name(i)
  }

  /// Reads an image from its archive.
  public func content(of index: Int) throws(ImageError) -> ImageContent {
    let (shard, i) = shardPlace(of: index)
    let (offset, size, packing) = indexes[shard].place(i)
    do throws(ImageError) {
      guard size <= limits.fileBytes else {
        throw ImageError(
          .tooLarge, "has \(size) bytes; files of at most \(limits.fileBytes) are read")
      }
      let stored = try files.open(shard).bytes(size, at: offset)
      return .encoded(
        try EncodedImage(
          bytes: packing.unpacked(stored, limit: limits.fileBytes), limits: limits))
    } catch {
      throw ImageError(error.kind, name: name(of: index), error.reason)
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
    do throws(ImageError) {
      let file = try OpenFile(shard)
      let index = try ShardIndex(scanning: file)
      try writeFile(index.bytes, to: shard + ShardIndex.suffix)
      return shard + ShardIndex.suffix
    } catch {
      throw DatasetError(error, path: shard)
    }
  }
}

extension ShardDataset: StoredDataset {
  func place(of index: Int) -> StoredPlace? {
    let (shard, i) = shardPlace(of: index)
    let (offset, size, _) = indexes[shard].place(i)
    return .file(files.path(of: shard), offset..<offset + size)
  }
}

/// Archives that are open for reading; no more at a time than a process may have.
private final class ShardFiles: Sendable {
  private let places: [String]
  private let open = Mutex<(files: [Int: OpenFile], order: [Int])>(([:], []))

  /// Most archives that stay open.
  static let most = 256

  init(_ places: [String]) { self.places = places }

  func path(of shard: Int) -> String { places[shard] }

  func open(_ shard: Int) throws(ImageError) -> OpenFile {
    if let file = open.withLock({ $0.files[shard] }) { return file }
    // Without the lock: two threads may open the same file, and one is closed again.
    let file = try OpenFile(places[shard])
    return open.withLock { open in
      if let other = open.files[shard] { return other }
      if open.order.count == Self.most { open.files[open.order.removeFirst()] = nil }
      open.files[shard] = file
      open.order.append(shard)
      return file
    }
  }
}
