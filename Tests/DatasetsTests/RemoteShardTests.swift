import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite(.enabled(if: WebServer.program != nil, Comment(rawValue: WebServer.comment)))
struct RemoteShardTests {
  /// Settings that wait for next to nothing.
  static func settings(_ folder: TemporaryFolder, gigabytes: Double = 1) -> RemoteShardSettings {
    var settings = RemoteShardSettings(
      cacheFolder: folder.path + "/cache", cacheBytes: Int(gigabytes * 1e9))
    settings.attempts = 3
    settings.firstDelay = 0.01
    settings.longestDelay = 0.05
    settings.connectSeconds = 5
    settings.stallSeconds = 5
    settings.readsBeforeFetching = 1000
    return settings
  }

  /// Images that do not become small when they are packed.
  static func noise(_ count: Int, side: Int = 96) -> SyntheticDataset {
    SyntheticDataset(count: count, side: side)
  }

  /// Serves three shards of four images, with or without their indexes and the set's.
  func serve(
    _ directives: String = "", index: Bool = true, setIndex: Bool = false, side: Int = 96
  ) throws -> (server: WebServer, images: SyntheticDataset, url: String) {
    let server = try WebServer(directives)
    let images = Self.noise(12, side: side)
    _ = try ShardPacking(imagesPerShard: 4).pack(images, to: server.files)
    if !setIndex { try remove(server, where: { $0.hasSuffix(".shards") }) }
    if !index { try remove(server, where: { $0.hasSuffix(".index") }) }
    return (server, images, server.url("images-{000000..000002}.tar"))
  }

  func remove(_ server: WebServer, where isRemoved: (String) -> Bool) throws {
    let files = FileManager.default
    for name in try files.contentsOfDirectory(atPath: server.files) where isRemoved(name) {
      try files.removeItem(atPath: server.files + "/" + name)
    }
  }

  func expectSame(
    _ set: any ImageDataset, _ images: any ImageDataset,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(set.count == images.count, sourceLocation: sourceLocation)
    for i in 0..<min(set.count, images.count) {
      let same = try set.image(at: i) == images.image(at: i)
      #expect(same, "image \(i)", sourceLocation: sourceLocation)
      #expect(set.label(of: i) == images.label(of: i), sourceLocation: sourceLocation)
    }
  }

  func problem(_ url: String, _ settings: RemoteShardSettings) -> DatasetError? {
    do {
      _ = try ShardDataset(path: url, remote: settings)
      return nil
    } catch {
      return error
    }
  }

  /// Waits until something has happened in the background.
  func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<1000 {
      if condition() { return true }
      usleep(10_000)
    }
    return condition()
  }

  // MARK: what works

  @Test func `images are read in parts, then from whole shards, then without a server`() throws {
    let (server, images, url) = try serve()
    let cache = try TemporaryFolder()
    var settings = Self.settings(cache)
    settings.readsBeforeFetching = 6
    let set = try ShardDataset(path: url, remote: settings)
    #expect(set.classes == images.classes && set.shardCounts == [4, 4, 4])
    #expect(set.name(of: 5).hasPrefix(server.url("images-000001.tar/")))
    try expectSame(set, images)
    let names = (0..<3).map { "images-00000\($0).tar" }
    #expect(names.allSatisfy { server.transfers(of: $0).isEmpty })
    // The second time brings each shard past the six images.
    try expectSame(set, images)
    #expect(
      eventually {
        names.allSatisfy { name in
          (0..<12).allSatisfy { set.place(of: $0) != nil } && server.transfers(of: name).count == 1
        }
      })
    try expectSame(set, images)
    checkImageDataset(set)
    // Not one request.
    server.stop()
    try expectSame(ShardDataset(path: url, remote: settings), images)
  }

  @Test func `shards without an index are fetched and read once`() throws {
    let (server, images, url) = try serve(index: false)
    let cache = try TemporaryFolder()
    try expectSame(ShardDataset(path: url, remote: Self.settings(cache)), images)
    #expect(
      eventually { server.transfers(of: "images-000001.tar") == ["GET /images-000001.tar - 200"] })
    server.stop()
    try expectSame(ShardDataset(path: url, remote: Self.settings(cache)), images)
  }

  @Test(arguments: [true, false]) func `nothing but indexes is kept without room`(
    index: Bool
  ) throws {
    let (server, images, url) = try serve(index: index)
    let cache = try TemporaryFolder()
    var settings = Self.settings(cache, gigabytes: 0)
    settings.readsBeforeFetching = 1
    for _ in 0..<2 { try expectSame(ShardDataset(path: url, remote: settings), images) }
    #expect(server.transfers(of: "images-000000.tar").isEmpty)
    let kept = try FileManager.default.contentsOfDirectory(atPath: cache.path + "/cache")
    #expect(kept.count { $0.hasSuffix(".index") } == 3)
    #expect(!kept.contains { $0.hasSuffix(".tar") || $0.hasSuffix(".part") })
    // Opening it again takes no request.
    server.stop()
    #expect(try ShardDataset(path: url, remote: settings).count == 12)
  }

  @Test func `a server that sends no parts is asked for whole shards`() throws {
    let (server, images, url) = try serve("max_ranges 0;")
    let cache = try TemporaryFolder()
    try expectSame(ShardDataset(path: url, remote: Self.settings(cache)), images)
    let other = try TemporaryFolder()
    let full = problem(url, Self.settings(other, gigabytes: 0))
    #expect(
      full?.reason.contains("for which there is no room in \(other.path)/cache (at most 0 bytes")
        == true, "\(full?.reason ?? "")")
    _ = server
  }

  @Test func `shards packed as a whole`() throws {
    let (server, images, _) = try serve()
    let shard = try readFile(server.files + "/images-000000.tar", limit: 1 << 24)
    try Data(gzipped(shard)).write(to: URL(fileURLWithPath: server.files + "/p.tar.gz"))
    let cache = try TemporaryFolder()
    let url = server.url("p.tar.gz")
    let set = try ShardDataset(path: url, remote: Self.settings(cache))
    try expectSame(set, images.subset(range: 0..<4))
    server.stop()
    try expectSame(
      ShardDataset(path: url, remote: Self.settings(cache)), images.subset(range: 0..<4))
  }

  @Test func `addresses are opened as any other set`() throws {
    let (server, images, url) = try serve()
    let cache = try TemporaryFolder()
    setenv("MAE_SHARD_CACHE", cache.path, 1)
    defer { unsetenv("MAE_SHARD_CACHE") }
    try expectSame(openDataset(at: url), images)
    #expect(kind { try openDataset(at: url, split: .validation) } == .missingSplit)
    #expect(kind { try openDataset(at: server.url("photo.jpg")) } == .malformed)
    #expect(kind { try openDataset(at: server.url("images-{0..}.tar")) } == .malformed)
  }

  @Test func `redirections are followed, a few of them`() throws {
    let (server, images, _) = try serve(
      """
      location /old/ { rewrite ^/old/(.*)$ /$1 redirect; }
      location /round { return 302 /round.tar; }
      """)
    let cache = try TemporaryFolder()
    let url = server.url("old/images-{000000..000002}.tar")
    try expectSame(ShardDataset(path: url, remote: Self.settings(cache)), images)
    let round = problem(server.url("round.tar"), Self.settings(cache))
    #expect(round?.reason.contains("redirects") == true, "\(round?.reason ?? "")")
    #expect(eventually { server.requests.count { $0.contains("round.tar") } == 6 })
  }

  // MARK: servers that fail

  @Test func `cut transfers go on where they ended`() throws {
    let (server, images, _) = try serve(index: false, side: 256)
    let proxy = try CuttingProxy(to: server.port) { $0 % 2 == 0 ? 100_000 : 70_000 }
    let cache = try TemporaryFolder()
    let name = "images-000000.tar"
    let bytes = try #require(fileSize(server.files + "/" + name))
    #expect(bytes > 250_000)
    let url = server.url(name, port: proxy.port)
    let set = try ShardDataset(path: url, remote: Self.settings(cache))
    try expectSame(set, images.subset(range: 0..<4))
    #expect(eventually { server.transfers(of: name).count >= 3 })
    let starts = server.transfers(of: name).dropFirst().compactMap { request in
      Int(request.split(separator: " ")[2].dropFirst("bytes=".count).dropLast())
    }
    #expect(starts.count >= 2 && zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func `a transfer that was broken off by the program goes on`() throws {
    let (server, images, _) = try serve(index: false)
    let cache = try TemporaryFolder()
    let name = "images-000000.tar"
    let settings = Self.settings(cache)
    let entry = try RemoteCache(settings).entry(server.url(name))
    let shard = try readFile(server.files + "/" + name, limit: 1 << 24)
    try Data(shard[..<9000]).write(to: URL(fileURLWithPath: entry.part))
    let set = try ShardDataset(path: server.url(name), remote: settings)
    try expectSame(set, images.subset(range: 0..<4))
    #expect(eventually { server.transfers(of: name) == ["GET /\(name) bytes=9000- 206"] })
    #expect(try readFile(entry.shard, limit: 1 << 24) == shard)
  }

  @Test func `transfers that bring nothing are given up`() throws {
    let (server, _, _) = try serve(index: false)
    // Enough for the first question, too little for more.
    let proxy = try CuttingProxy(to: server.port) { $0 == 0 ? nil : 500 }
    let cache = try TemporaryFolder()
    let url = server.url("images-000000.tar", port: proxy.port)
    let failure = try #require(problem(url, Self.settings(cache)))
    #expect(failure.path == url && failure.kind == .unreadable)
    #expect(!failure.reason.contains("\n"))
    #expect(failure.reason.contains("also at the last of 3 attempts"), "\(failure.reason)")
    // Nothing is lost by trying again.
    #expect(
      try ShardDataset(path: server.url("images-000000.tar"), remote: Self.settings(cache)).count
        == 4)
  }

  @Test func `a server that is busy is asked again`() throws {
    let (server, images, url) = try serve("if (!-f $document_root/ready) { return 503; }")
    let cache = try TemporaryFolder()
    var settings = Self.settings(cache)
    let busy = try #require(problem(url, settings))
    #expect(busy.kind == .unreadable)
    #expect(
      busy.reason == "the server answered with status 503, also at the last of 3 attempts")
    #expect(eventually { server.requests.count { $0.contains("images-000000.tar ") } == 3 })
    settings.attempts = 1000
    let before = server.requests.count
    Thread.detachNewThread {
      for _ in 0..<2000 where server.requests.count < before + 3 { usleep(5000) }
      _ = FileManager.default.createFile(atPath: server.files + "/ready", contents: nil)
    }
    try expectSame(ShardDataset(path: url, remote: settings), images)
  }

  @Test func `what is not there is not asked for twice`() throws {
    let (server, _, _) = try serve()
    let cache = try TemporaryFolder()
    let url = server.url("nothing.tar")
    let missing = try #require(problem(url, Self.settings(cache)))
    #expect(missing.description == "\(url): the server answered with status 404")
    #expect(missing.kind == .missing)
    #expect(eventually { server.requests.count == 1 })
    let secret = "http://me:word@127.0.0.1:\(server.port)/nothing.tar?key=secret"
    let shown = try #require(problem(secret, Self.settings(cache)))
    #expect(shown.description == missing.description)
  }

  @Test func `a server that hangs up or is not there`() throws {
    let (server, _, _) = try serve("location /gone.tar { return 444; }")
    let cache = try TemporaryFolder()
    let gone = try #require(problem(server.url("gone.tar"), Self.settings(cache)))
    #expect(gone.kind == .unreadable)
    #expect(gone.reason.hasSuffix("also at the last of 3 attempts"), "\(gone.reason)")
    #expect(eventually { server.requests.count == 3 })
    let nobody = try #require(
      problem("http://127.0.0.1:\(freePort())/a.tar", Self.settings(cache)))
    #expect(nobody.reason.contains("connect"), "\(nobody.reason)")
  }

  @Test func `a server that is too slow is given up, a slow one waited for`() throws {
    let (server, images, _) = try serve(
      """
      location /crawl/ { rewrite ^/crawl/(.*)$ /$1 break; limit_rate 100; }
      location /walk/ { rewrite ^/walk/(.*)$ /$1 break; limit_rate 150k; }
      """)
    let cache = try TemporaryFolder()
    var settings = Self.settings(cache)
    settings.attempts = 1
    settings.stallSeconds = 1
    let slow = try #require(problem(server.url("crawl/images-000000.tar"), settings))
    #expect(slow.reason == "the transfer stalled or took too long")
    let set = try ShardDataset(path: server.url("walk/images-000000.tar"), remote: settings)
    try expectSame(set, images.subset(range: 0..<4))
  }

  // MARK: content that is not what it should be

  @Test func `a shard is compared with its digest`() throws {
    let (server, images, _) = try serve(index: false)
    let name = "images-000000.tar"
    let digest = try sha256(of: server.files + "/" + name)
    let wrong = String(digest.reversed())
    try server.folder.write("files/\(name).sha256", "\(wrong)  \(name)\n")
    let cache = try TemporaryFolder()
    let failure = try #require(problem(server.url(name), Self.settings(cache)))
    #expect(failure.kind == .malformed)
    #expect(
      failure.reason
        == "arrived twice with the SHA-256 \(digest.prefix(12))…; its .sha256 says "
        + "\(wrong.prefix(12))…")
    #expect(eventually { server.transfers(of: name).count == 2 })
    try server.folder.write("files/\(name).sha256", digest.uppercased())
    let set = try ShardDataset(path: server.url(name), remote: Self.settings(cache))
    try expectSame(set, images.subset(range: 0..<4))
    try server.folder.write("files/images-000001.tar.sha256", "soon\n")
    let unclear = try #require(problem(server.url("images-000001.tar"), Self.settings(cache)))
    #expect(unclear.path == server.url("images-000001.tar.sha256"))
  }

  @Test func `an index of another shard is not believed`() throws {
    let (server, images, _) = try serve()
    let files = FileManager.default
    try files.removeItem(atPath: server.files + "/images-000000.tar.index")
    try files.copyItem(
      atPath: server.files + "/images-000001.tar.index",
      toPath: server.files + "/images-000000.tar.index")
    let cache = try TemporaryFolder()
    let set = try ShardDataset(path: server.url("images-000000.tar"), remote: Self.settings(cache))
    try expectSame(set, images.subset(range: 0..<4))
  }

  @Test func `a shard that is replaced while it is read is noticed`() throws {
    let (server, _, _) = try serve()
    let cache = try TemporaryFolder()
    let set = try ShardDataset(path: server.url("images-000000.tar"), remote: Self.settings(cache))
    _ = try set.image(at: 0)
    let path = server.files + "/images-000000.tar"
    let bytes = try readFile(path, limit: 1 << 24)
    try Data(bytes.reversed()).write(to: URL(fileURLWithPath: path))
    let past = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1e9)]
    try FileManager.default.setAttributes(past, ofItemAtPath: path)
    let failure = #expect(throws: ImageError.self) { try set.image(at: 1) }
    #expect(failure?.reason.contains("is another file than when it was first read") == true)
    // Also by who fetches the whole.
    let shard = try RemoteShard(
      server.url("images-000000.tar"), client: HTTPClient(settings: Self.settings(cache)),
      cache: RemoteCache(Self.settings(cache)))
    try Data(bytes[..<5000]).write(to: URL(fileURLWithPath: path))
    #expect(throws: FileError.self) { try shard.fetch() }
  }
}
