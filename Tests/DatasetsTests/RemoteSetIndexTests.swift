import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// One index for the whole set, and one process of a host that asks for what all need.
extension RemoteShardTests {
  @Test func `a set is opened by the index of all its shards`() throws {
    let (server, images, url) = try serve(setIndex: true)
    let cache = try TemporaryFolder()
    let settings = Self.settings(cache)
    let set = try ShardDataset(path: url, remote: settings)
    #expect(set.shardCounts == [4, 4, 4])
    #expect(eventually { server.requests == ["GET /images.shards - 200"] })
    // A shard is asked for when it is read.
    _ = try set.image(at: 5)
    #expect(eventually { server.requests.count == 3 })
    #expect(server.requests.dropFirst().allSatisfy { $0.contains("/images-000001.tar bytes=") })
    try expectSame(set, images)
    checkImageDataset(set)
    // What is kept opens it without a server.
    server.stop()
    let again = try ShardDataset(path: url, remote: settings)
    #expect(again.shardCounts == [4, 4, 4] && again.classes == images.classes)
  }

  @Test func `a shard that is another one than the set's index says is named`() throws {
    let (server, _, url) = try serve(setIndex: true)
    let cache = try TemporaryFolder()
    let file = server.files + "/images-000001.tar"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    try (bytes + Data(count: 10240)).write(to: URL(fileURLWithPath: file))
    let set = try ShardDataset(path: url, remote: Self.settings(cache))
    _ = try set.image(at: 0)
    let error = #expect(throws: ImageError.self) { try set.image(at: 4) }
    #expect(
      error?.reason.hasPrefix(
        "has \(bytes.count + 10240) bytes, and the index of its set (.shards) says \(bytes.count)")
        == true, "\(error?.reason ?? "")")
    // A damaged index is none.
    try Data("MAESETX1".utf8).write(to: URL(fileURLWithPath: server.files + "/images.shards"))
    let other = try TemporaryFolder()
    #expect(try ShardDataset(path: url, remote: Self.settings(other)).count == 12)
  }

  @Test(arguments: [true, false])
  func `of many that open a set at once one asks`(hasSetIndex: Bool) throws {
    let (server, images, url) = try serve(setIndex: hasSetIndex)
    let cache = try TemporaryFolder()
    let settings = Self.settings(cache)
    let sets = try inParallel(6, width: 6) { _ throws(DatasetError) in
      try ShardDataset(path: url, remote: settings)
    }
    for set in sets { #expect(set.shardCounts == [4, 4, 4]) }
    try expectSame(sets[3], images)
    func asked(_ part: String) -> Int { server.requests.count { $0.contains(part) } }
    for shard in 0..<3 {
      #expect(asked("/images-00000\(shard).tar bytes=0-4095") <= 2)
      #expect(asked("/images-00000\(shard).tar.index ") == (hasSetIndex ? 0 : 1))
    }
    if hasSetIndex { #expect(asked("/images.shards ") == 1) }
  }

  @Test func `of a set in lanes a process keeps the shards of its own`() throws {
    let (server, images, url) = try serve(setIndex: true)
    let one = try #require(fileSize(server.files + "/images-000000.tar"))
    func kept(_ rows: [Range<Int>], processes: Int, shards room: Double) throws -> [Int] {
      let cache = try TemporaryFolder()
      var settings = Self.settings(cache, gigabytes: room * Double(one) / 1e9)
      settings.readsBeforeFetching = 2
      let set = try ShardDataset(path: url, remote: settings)
      set.expectReading(rows, processes: processes)
      try expectSame(set, images)
      let files = try RemoteCache(settings)
      let names = (0..<3).map {
        files.entry(server.url("images-00000\($0).tar")).shard
      }
      let room = Int(min(room / Double(processes), Double(rows.count)))
      #expect(eventually { names.count { fileSize($0) != nil } >= room })
      return names.indices.filter { fileSize(names[$0]) != nil }
    }
    #expect(try kept([9..<12], processes: 1, shards: 1.5) == [2])
    #expect(try kept([9..<12, 4..<6], processes: 2, shards: 2.5) == [2])
    #expect(try kept([9..<12, 4..<6], processes: 2, shards: 4.5) == [1, 2])
    #expect(try kept([0..<12], processes: 2, shards: 1.5) == [])
  }

  @Test func `the index of a set is read back, and refused when damaged`() throws {
    let folder = try TemporaryFolder()
    let images = Self.noise(7, side: 8)
    let report = try ShardPacking(imagesPerShard: 3).pack(images, to: folder.path, name: "s")
    let bytes = try wholeFile(folder.path + "/s.shards", limit: 1 << 20)
    let index = try ShardSetIndex(bytes)
    #expect(index.names == ["s-000000.tar", "s-000001.tar", "s-000002.tar"])
    for (name, shard) in zip(index.names, report.shards) {
      #expect(try index.indexes[name]?.bytes == ShardIndex(path: shard + ".index").bytes)
    }
    #expect(index.bytes == bytes)
    for cut in 0..<bytes.count {
      #expect(throws: FileError.self) { try ShardSetIndex(Array(bytes[..<cut])) }
    }
    #expect(throws: FileError.self) { try ShardSetIndex(bytes + [0]) }
    var forged = bytes
    forged.replaceSubrange(8..<16, with: [UInt8](repeating: 0xFF, count: 8))
    #expect(throws: FileError.self) { try ShardSetIndex(forged) }
    let patterns = [
      ("https://h/a/t-{0..9}.tar?x", "https://h/a/t.shards?x"),
      ("s3://b/x_{0..9}.tar", "s3://b/x.shards"),
      ("https://h/a.tar", nil), ("https://h/{0..9}.tar", nil),
      ("https://h/{a,b}/t-{0..9}.tar", nil),
    ]
    for (pattern, address) in patterns {
      #expect(ShardSetIndex.address(ofPattern: pattern) == address)
    }
  }
}
