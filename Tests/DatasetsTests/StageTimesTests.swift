import Imaging
import TestPhotos
import Testing

@testable import Datasets

@Suite struct StageTimesTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try SyntheticPhotos(size: PixelSize(width: 60, height: 40)).write(count: 12, to: folder.path)
  }

  /// What the stages take for a number of batches, after a pass over all images.
  private func times(cacheBytes: Int = 0) throws -> StageTimes {
    let loader = BatchLoader(
      try openDataset(at: folder.path),
      transform: ImageTransform(
        .pretraining, size: PixelSize(width: 24, height: 24), normalization: .imageNet),
      output: cacheBytes == 0 ? .floats : .bytes, batch: 6, seed: 0, workers: 2,
      cacheBytes: cacheBytes)
    defer { loader.stop() }
    for _ in 0..<4 { _ = try loader.next() }
    let before = loader.times
    for _ in 0..<6 { _ = try loader.next() }
    return loader.times - before
  }

  @Test func `made-up photographs are always the same`() throws {
    let photos = SyntheticPhotos(size: PixelSize(width: 60, height: 40))
    #expect(photos.image(3) == photos.image(3))
    #expect(photos.image(3) != photos.image(4))
    let set = try openDataset(at: folder.path)
    #expect(set.count == 12)
    #expect(set.name(of: 11) == "photo-00011.jpg")
  }

  @Test func `every stage takes time, and reading and decoding none where pixels are kept`() throws
  {
    let times = try times()
    #expect(times.read > 0 && times.decode > 0 && times.resample > 0)
    #expect(times.bytes > 0)
    #expect(times.total == times.read + times.decode + times.resample)
    let cached = try self.times(cacheBytes: 1 << 20)
    #expect(cached.read == 0 && cached.decode == 0 && cached.resample > 0 && cached.bytes == 0)
  }
}
