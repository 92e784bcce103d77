import Foundation
import Imaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How fast a set of very many images opens, and what it costs in memory, with made-up indexes of
/// shards whose files have a size and no content.
public struct IndexBenchmark: Hashable, Sendable {
  /// Images in the set.
  public let images: Int
  /// Archives they are in.
  public let shards: Int
  /// Seconds that opening took.
  public let seconds: Double
  /// Bytes of memory that the process grew by, an image.
  public let bytesPerImage: Double
  /// Places of an epoch's order that are found in a second, by one thread.
  public let orderPerSecond: Double
  /// Bytes of memory that the process grew by at most while it went through the order, exact and
  /// buffered.
  public let orderBytes: Int

  /// Writes indexes into a folder that must not exist yet, opens them, and removes the folder.
  public init(images: Int = 10_000_000, shards: Int = 1000, in folder: String) throws(DatasetError)
  {
    precondition(images >= shards && shards >= 1)
    guard PathKind(folder) == .nothing else {
      throw DatasetError(.unreadable, path: folder, "exists; name a folder that does not")
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let perShard = images / shards
    do throws(ImageError) {
      for shard in 0..<shards { try Self.writeShard(shard, of: perShard, in: folder) }
    } catch {
      throw DatasetError(error, path: folder)
    }
    let before = residentBytes()
    let start = ContinuousClock.now
    let set = try ShardDataset(path: "\(folder)/s-{0..\(shards - 1)}.tar")
    seconds = start.duration(to: .now) / .seconds(1)
    bytesPerImage = Double(residentBytes() - before) / Double(set.count)
    self.images = set.count
    self.shards = shards
    let places = min(set.count, 1_000_000)
    let step = set.count / places
    let opened = residentBytes()
    var most = opened
    var times: [Double] = []
    for shuffle in [Sampling.Shuffle.exact, .buffered(4096)] {
      let orders = ImageOrders(seed: 1, shuffle: shuffle, runs: set.shardCounts)
      let start = ContinuousClock.now
      var found = 0
      for place in 0..<places {
        found &+= orders.image(epoch: 2, place: place * step)
        if place % 10_000 == 0 { most = max(most, residentBytes()) }
      }
      precondition(found >= 0)
      times.append(start.duration(to: .now) / .seconds(1))
    }
    orderPerSecond = Double(places) / times[0]
    orderBytes = most - opened
  }

  private static func writeShard(
    _ shard: Int, of count: Int, in folder: String
  ) throws(ImageError) {
    let path = "\(folder)/s-\(shard).tar"
    // A photo of 110 KB and its class.
    let step = 112_640 + 1024
    let size = (count + 1) * step
    let output = try OutputFile(path + ".part")
    try output.extend(to: size)
    try output.finish(as: path)
    let entries = (0..<count).map { i in
      ShardIndex.Entry(
        offset: i * step + 512, size: 110_000, label: Int32(i % 1000), packing: .none,
        name: "n\(10_000_000 + i % 1000)_\(shard * count + i).jpg")
    }
    let index = ShardIndex(
      entries, archiveSize: size,
      fingerprint: try ShardIndex.fingerprint(
        of: OpenFile(path), lastImage: entries.last?.offset ?? 0),
      classes: nil)
    try writeFile(index.bytes, to: path + ShardIndex.suffix)
  }

  /// The result, a line each.
  public var lines: [String] {
    let open = (seconds * 100).rounded() / 100
    let each = (bytesPerImage * 10).rounded() / 10
    return [
      "\(images) images in \(shards) shards, an index beside each",
      "  open      \(open) s, \(each) bytes an image",
      "  order     \((orderBytes + 500) / 1000) kB for an epoch, "
        + "\(Int(orderPerSecond / 1000)) thousand places a second",
    ]
  }
}

/// Memory of the process that is in use now.
private func residentBytes() -> Int {
  guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
    return 0
  }
  let fields = text.split(separator: " ")
  return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}
