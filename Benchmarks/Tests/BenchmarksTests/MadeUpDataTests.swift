import Datasets
import Foundation
import Harness
import SyntheticPhotos
import Testing

@testable import benchmarks

@Suite struct MadeUpDataTests {
  @Test func `made-up photographs are a set`() throws {
    let folder = try TemporaryFolder()
    try SyntheticPhotos(quality: 50).write(count: 3, to: folder.path)
    let set = try openDataset(at: folder.path)
    #expect(set.count == 3)
    #expect(set.name(of: 2) == "photo-00002.jpg")
  }

  @Test func `a made-up index opens, and fits its archive`() throws {
    let folder = try TemporaryFolder()
    try MadeUpShard(number: 3, images: 5).write(to: folder.path + "/s.tar")
    let set = try ShardDataset(path: folder.path + "/s.tar")
    #expect(set.count == 5)
    #expect(set.name(of: 4).hasSuffix("/s.tar/n10000004_19.jpg"))
    #expect(set.label(of: 4) == 4)
    let result = try IndexBenchmark(images: 1000, shards: 10, in: folder.path)
    #expect(result.images == 1000 && result.shards == 10)
    #expect(result.lines[0] == "1000 images in 10 shards, an index beside each")
    #expect(result.lines.count == 3)
  }

  @Test func `the checksum is CRC-32`() {
    #expect(crc32(Array("123456789".utf8)) == 0xCBF4_3926)
  }
}
