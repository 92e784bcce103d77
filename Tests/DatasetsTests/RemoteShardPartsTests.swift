import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

@Suite struct RemoteShardPartsTests {
  @Test func `heads of answers`() {
    var head = HTTPHead()
    for line in [
      "HTTP/1.1 302 Found", "Location: elsewhere", "ETag: \"old\"", "", "HTTP/2 206",
      "etag: \"v1\"",
      "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "Content-Range: bytes 10-19/1000",
      "content-length:  10 ", "Retry-After: 7",
    ] { head.read(line[...]) }
    #expect(head.status == 206 && head.validator == "\"v1\"" && head.length == 10)
    #expect(head.range == .init(first: 10, total: 1000) && head.total == 1000 && head.wait == 7)
    var other = HTTPHead()
    for line in [
      "HTTP/1.1 200 OK", "ETag: W/\"weak\"", "Last-Modified: yesterday", "Content-Length: -4",
      "Content-Range: bytes */9", "nonsense", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT",
    ] { other.read(line[...]) }
    #expect(other.validator == "yesterday" && other.total == nil && other.range == nil)
    #expect(other.wait == nil)
  }

  @Test func `addresses are shown without secrets`() {
    #expect(HTTPClient.isAddress("HTTPS://x/y.tar") && HTTPClient.isAddress("http://x"))
    #expect(!HTTPClient.isAddress("https.tar") && !HTTPClient.isAddress("ftp://x"))
    #expect(HTTPClient.shown("https://a:b@h.org/x@y.tar?sig=1#z") == "https://h.org/x@y.tar")
    #expect(HTTPClient.shown("https://h.org") == "https://h.org")
  }

  @Test func `delays grow, differ and end`() {
    var settings = RemoteShardSettings(cacheFolder: "", cacheBytes: 0)
    settings.firstDelay = 1
    settings.longestDelay = 10
    #expect((1...6).map { settings.delay(after: $0, chance: 0) } == [1, 2, 4, 8, 10, 10])
    #expect(settings.delay(after: 2, chance: 0.5) == 1.5)
    #expect(settings.delay(after: 1, chance: 0, asked: 3) == 3)
    #expect(settings.delay(after: 1, chance: 0, asked: 1e9) == 10)
    #expect(settings.delay(after: .max, chance: 0.999) > 5)
  }

  @Test func `facts and digests are read as written`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/facts"
    for validator in [nil, "\"v 1\""] {
      let facts = RemoteFacts(
        size: 123, validator: validator, hasRanges: validator == nil, packing: .gzip)
      try facts.write(to: path)
      #expect(RemoteFacts(path) == facts)
    }
    for text in [
      "", "swift-mae remote shard 1\n", "swift-mae remote shard 1\n-3\nparts\n0\n\n", "x",
    ] {
      try folder.write("facts", text)
      #expect(RemoteFacts(path) == nil)
    }
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(try sha256(of: folder.write("abc", "abc")) == known)
    #expect(digest(in: " \(known.uppercased())  a.tar\n") == known)
    #expect(
      digest(in: String(known.dropLast())) == nil && digest(in: "x" + known.dropFirst()) == nil)
  }

  @Test func `entries of a cache`() throws {
    let folder = try TemporaryFolder()
    let cache = try RemoteCache(
      RemoteShardSettings(cacheFolder: folder.path + "/a/b", cacheBytes: 100))
    let entry = cache.entry("https://me:word@h.org/p/a%20/../../b c.tar?x=/etc/passwd")
    #expect(entry == cache.entry("https://h.org/p/a%20/../../b c.tar?x=/etc/passwd"))
    #expect(entry != cache.entry("https://h.org/p/a%20/../../b c.tar"))
    let name = entry.shard.dropFirst((folder.path + "/a/b/").count)
    #expect(!name.contains("/") && name.hasSuffix("-b-c.tar"))
    #expect(try !cache.makeRoom(101, for: entry))
    #expect(try cache.makeRoom(100, for: entry))
  }
}
