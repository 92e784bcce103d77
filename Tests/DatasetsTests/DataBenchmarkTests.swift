import Foundation
import Imaging
import Testing

@testable import Datasets

@Suite struct DataBenchmarkTests {
  @Test func `made-up photos are always the same and cost every stage time`() throws {
    let photos = SyntheticPhotos(size: PixelSize(width: 60, height: 40))
    #expect(photos.image(3) == photos.image(3))
    #expect(photos.image(3) != photos.image(4))
    let folder = try TemporaryFolder()
    try photos.write(count: 12, to: folder.path)
    let set = try openDataset(at: folder.path)
    #expect(set.count == 12)
    #expect(set.name(of: 11) == "photo-00011.jpg")
    let result = try DataBenchmark(
      set,
      transform: ImageTransform(
        .pretraining, size: PixelSize(width: 24, height: 24), normalization: .imageNet),
      images: 40, batch: 6, workers: 2)
    #expect(result.images == 36)
    #expect(result.imagesPerSecond == 36 / result.seconds)
    // A stage that nobody counts takes no time at all.
    #expect(result.times.read > 0 && result.times.decode > 0 && result.times.resample > 0)
    #expect(result.other <= result.seconds * 2)
    #expect(
      result.lines.map { $0.split(separator: " ").first } == [
        "2", "read", "decode", "resample", "other",
      ])
    #expect(result.lines[0] == "2 workers: \(Int(result.imagesPerSecond.rounded())) images/s")
    let cached = try DataBenchmark(
      set,
      transform: ImageTransform(
        .pretraining, size: PixelSize(width: 24, height: 24), normalization: .imageNet),
      images: 40, batch: 6, output: .bytes, cacheBytes: 1 << 20, workers: 2)
    #expect(cached.times.read == 0 && cached.times.decode == 0 && cached.times.resample > 0)
  }

  @Test func `a made-up index opens`() throws {
    let folder = try TemporaryFolder()
    let result = try IndexBenchmark(images: 1000, shards: 10, in: folder.path + "/index")
    #expect(result.images == 1000)
    #expect(result.shards == 10)
    #expect(
      result.lines[2].hasSuffix("\(Int(result.orderPerSecond / 1000)) thousand places a second"))
    #expect(result.lines[0] == "1000 images in 10 shards, an index beside each")
    #expect(result.lines.count == 3)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/index"))
    #expect(throws: DatasetError.self) {
      try IndexBenchmark(images: 10, shards: 1, in: folder.path)
    }
  }
}
