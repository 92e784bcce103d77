import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// What is kept of shards.
extension RemoteShardTests {
  @Test func `the shards that were not used for longest go`() throws {
    let (server, images, _) = try serve(index: false)
    let cache = try TemporaryFolder()
    let one = try #require(fileSize(server.files + "/images-000000.tar"))
    let settings = Self.settings(cache, gigabytes: 2.5 * Double(one) / 1e9)
    func url(_ i: Int) -> String { server.url("images-00000\(i).tar") }
    func open(_ i: Int) throws -> ShardDataset {
      let set = try ShardDataset(path: url(i), remote: settings)
      _ = try set.image(at: 0)
      return set
    }
    func fetch(_ i: Int) throws {
      usleep(20_000)
      let cache = try RemoteCache(settings)
      try RemoteShard(url(i), client: HTTPClient(settings: settings), cache: cache).fetch()
    }
    func kept() throws -> [Int] {
      try (0..<3).filter { i in
        fileSize(try RemoteCache(settings).entry(url(i)).shard) != nil
      }
    }
    try fetch(0)
    try fetch(1)
    #expect(try kept() == [0, 1])
    usleep(20_000)
    let first = try open(0)
    try fetch(2)
    #expect(try kept() == [0, 2])
    try fetch(1)
    #expect(try kept() == [1, 2])
    // A set keeps hold of a shard that goes while it is read, and one that is opened later reads
    // parts.
    try expectSame(first, images.subset(range: 0..<4))
    try expectSame(open(0), images.subset(range: 0..<4))
    #expect(try kept() == [1, 2])
    #expect(eventually { server.transfers(of: "images-000000.tar").count == 1 })
  }

  @Test func `many at once fetch a shard once`() throws {
    let (server, _, _) = try serve("limit_rate 100k;")
    let cache = try TemporaryFolder()
    let settings = Self.settings(cache)
    let url = server.url("images-000000.tar")
    _ = try inParallel(8, width: 8) { _ throws(FileError) in
      let shard = try RemoteShard(
        url, client: HTTPClient(settings: settings), cache: RemoteCache(settings))
      try shard.fetch()
      #expect(shard.openKept() != nil)
      return 0
    }
    #expect(eventually { server.transfers(of: "images-000000.tar").count == 1 })
    #expect(server.requests.count { $0.contains("bytes=0-4095") } == 1)
  }

  @Test(.enabled(if: exists("/dev/full"))) func `a full disk is said to be one`() throws {
    let (server, _, _) = try serve()
    let cache = try TemporaryFolder()
    let settings = Self.settings(cache)
    let kept = try RemoteCache(settings)
    let url = server.url("images-000000.tar")
    let shard = try RemoteShard(url, client: HTTPClient(settings: settings), cache: kept)
    let part = kept.entry(url).part
    #expect(symlink("/dev/full", part) == 0)
    let failure = #expect(throws: FileError.self) { try shard.fetch() }
    #expect(failure?.kind == .failed && failure?.path == part)
    #expect(failure?.message == "cannot be written: no space left on the disk")
    let shown = failure.map { DatasetError($0) }
    #expect(shown?.kind == .unreadable && shown?.path == part)
  }
}
