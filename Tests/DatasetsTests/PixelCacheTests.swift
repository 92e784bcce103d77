import Foundation
import Imaging
import Synchronization
import TestPhotos
import Testing

@testable import Datasets

@Suite(.timeLimit(.minutes(1))) struct PixelCacheTests {
  static let much = 1 << 30

  func checker(_ set: any ImageDataset, cache: Int) -> LoaderChecker {
    var checker = LoaderChecker(set)
    checker.cacheBytes = cache
    return checker
  }

  /// PNG files, also gray and turned ones, and pixels in memory are decoded whole in any case.
  @Test func `what is decoded exactly gives the same batches`() throws {
    let files = try TemporaryFolder()
    for i in 0..<13 {
      let photo = SyntheticPhotos(size: PixelSize(width: 15 + i, height: 22 - i)).image(i)
      try files.write(
        "\(i).png", (i % 4 == 0 ? photo.converted(toChannels: 1) : photo).encodedAsPNG())
    }
    let folder = try openDataset(at: files.path)
    let gray = PixelNormalization(mean: [0.4], std: [0.2])
    for set in [folder, SyntheticDataset(count: 13, broken: [4], side: 9)] as [any ImageDataset] {
      for normalization in [PixelNormalization.imageNet, gray] {
        for crop in CropMode.allCases {
          var plain = checker(set, cache: 0)
          plain.transform.normalization = normalization
          plain.transform.augmentation.crop = crop
          let expected = try plain.batches(0..<9)
          for cache in [1, 3000, Self.much] {
            plain.cacheBytes = cache
            #expect(try plain.batches(0..<9) == expected, "\(crop) \(cache)")
          }
        }
      }
    }
  }

  /// Whether an image was kept must not show: neither in its pixels nor after a stop.
  @Test func `JPEG batches depend neither on what fits nor on the workers`() throws {
    let sets = try PhotoSets(count: 13)
    for set in sets.both {
      let whole = try checker(set, cache: Self.much).batches(0..<9, workers: 1)
      for cache in [1, 2000, 5000, Self.much] {
        for workers in [1, 4] {
          #expect(try checker(set, cache: cache).batches(0..<9, workers: workers) == whole)
        }
      }
      try checker(set, cache: 4000).checkResuming(steps: 7, workers: [3])
      try checker(set, cache: Self.much).checkResuming(steps: 4, ranks: 2, workers: [2])
    }
  }

  /// A whole picture at a sufficient scale and a part at its own differ by less than people see.
  @Test func `JPEG pixels are close to those without a cache`() throws {
    let files = try TemporaryFolder()
    for i in 0..<6 {
      let photo = SyntheticPhotos(size: PixelSize(width: 240, height: 180)).image(i)
      try files.write("\(i).jpg", photo.encodedAsJPEG())
    }
    let set = try openDataset(at: files.path)
    for side in [16, 60, 120] {
      var one = checker(set, cache: 0)
      one.transform.augmentation.jitter = .none
      one.transform.size = PixelSize(width: side, height: side)
      let plain = try one.batches(0..<4)
      one.cacheBytes = Self.much
      let cached = try one.batches(0..<4)
      for (a, b) in zip(plain, cached) {
        #expect(a.indices == b.indices)
        let mean =
          zip(a.values, b.values).reduce(0) { $0 + abs($1.0 - $1.1) } / Float(a.values.count)
        // In deviations of about 57 gray levels.
        #expect(mean < 0.03, "side \(side): \(mean)")
      }
    }
  }

  @Test func `an image is decoded once where all fit`() throws {
    let set = SyntheticDataset(count: 40)
    let one = checker(set, cache: Self.much)
    let loader = one.loader(workers: 3)
    for _ in 0..<60 { _ = try loader.next() }
    #expect(loader.cachedBytes == 40 * (16 + PixelCache.overhead))
    loader.stop()
    #expect(set.asked.count == 40)
  }

  @Test func `the limit is kept`() throws {
    let set = SyntheticDataset(count: 40, side: 30)
    let cost = 900 + PixelCache.overhead
    for fit in [0, 1, 17] {
      let limit = fit * cost + cost / 2
      let loader = checker(set, cache: limit).loader(workers: 4)
      for _ in 0..<40 {
        _ = try loader.next()
        #expect(loader.cachedBytes <= limit)
      }
      #expect(loader.cachedBytes == fit * cost)
      loader.stop()
      // Four epochs and what was made ahead: the others are decoded each time, but where one of the
      // four workers meets the image that it had last again, at one of the three turns of an epoch.
      #expect(set.asked.count >= fit + 4 * (40 - fit) - 3 * 4)
    }
  }

  /// Two images that can be read only at the same time.
  @Test func `nothing is locked while an image is decoded`() throws {
    struct Meeting: ImageDataset {
      var count: Int { 2 }
      var classes: [String]? { nil }
      let arrived = ConditionLock(0)
      func label(of index: Int) -> Int? { nil }
      func name(of index: Int) -> String { "\(index)" }
      func content(of index: Int) throws(ImageError) -> ImageContent {
        arrived.withLock { $0 += 1 }
        arrived.broadcast()
        arrived.wait { $0 >= 2 ? () : nil }
        return .pixels(grayImage(index))
      }
    }
    var one = checker(Meeting(), cache: Self.much)
    one.batch = 2
    #expect(try one.batches(0..<3, workers: 2).count == 3)
  }

  @Test func `what a set would take is estimated from sizes`() throws {
    let sets = try PhotoSets(count: 13)
    let transform = LoaderChecker(sets.folder).transform
    let loader = checker(sets.folder, cache: Self.much).loader(workers: 1)
    for _ in 0..<8 { _ = try loader.next() }
    loader.stop()
    #expect(loader.cachedBytes == PixelCache.bytes(of: sets.folder, for: transform))
  }
}
