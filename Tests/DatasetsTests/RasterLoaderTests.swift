import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Batches of rasters with labels and with objects.
@Suite struct RasterLoaderTests {
  private static let channels = 5

  /// The value of a channel where a pixel has a label.
  private static func value(_ label: UInt16, _ channel: Int) -> Float {
    Float(1000 * channel + 10 * (label == LabelMap.ignored ? 7 : Int(label)))
  }

  /// Arrays whose values say their labels, and the label maps: `images/N.npy`, `labels/N.png`.
  private func makeSet(_ folder: TemporaryFolder, isTurned: Bool = false) throws {
    for number in 0..<6 {
      var map = LabelMap(width: 11 + number, height: 11, of: 0)
      for y in 0..<11 {
        for x in 0..<map.width {
          map[x, y] = x == 3 ? LabelMap.ignored : UInt16((x + y + number) % 3)
        }
      }
      let planes = (0..<Self.channels).flatMap { channel in
        map.labels.map { Self.value($0, channel) }
      }
      try folder.write(
        "images/\(number).npy",
        ArrayFile.npy(
          planes,
          shape: [Self.channels] + (isTurned ? [map.width, 11] : [11, map.width])))
      try folder.write("labels/\(number).png", map.encodedAsPNG())
    }
    try folder.write("classes.txt", "a\nb\nc\n")
  }

  private static let normalization = PixelNormalization(
    mean: [15, 1015, 2015, 3015, 4015], std: [2, 3, 4, 5, 6])

  private func loader(
    _ set: any LabelMapDataset, crop: PixelSize, workers: Int = 1, from number: Int = 0,
    brokenFraction: Double = 0.01
  ) -> LabelMapLoader {
    LabelMapLoader(
      set,
      augmentation: SegmentationAugmentation(
        scale: PixelSize(width: 44, height: 11), minRatio: 1, maxRatio: 1, crop: crop,
        photometric: nil),
      normalization: Self.normalization, raster: RasterSettings(), batch: 4, seed: 3,
      startingAt: number, workers: workers, brokenFraction: brokenFraction)
  }

  @Test func `a batch of rasters is normalised floats beside their labels`() throws {
    let folder = try TemporaryFolder()
    try makeSet(folder)
    let set = try openLabelMaps(at: folder.path)
    let crop = PixelSize(width: 9, height: 13)
    func batches(_ steps: Range<Int>, workers: Int) throws -> [([Float], [Int16])] {
      let loader = loader(set, crop: crop, workers: workers, from: steps.lowerBound)
      defer { loader.stop() }
      return try steps.map { _ in
        let batch = try loader.next()
        #expect(batch.output == .floats && batch.channels == Self.channels)
        let bytes = batch.pixelBytes
        #expect(bytes.count == 4 * 4 * Self.channels * 9 * 13)
        return (bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }, batch.labelValues)
      }
    }
    let one = try batches(0..<4, workers: 1)
    let three = try batches(2..<4, workers: 3)
    for (a, b) in zip(one.dropFirst(2), three) { #expect(a == b) }
    for (pixels, labels) in one {
      for image in 0..<4 {
        for channel in 0..<Self.channels {
          for at in 0..<9 * 13 {
            let label = labels[image * 117 + at]
            let pixel = pixels[(image * Self.channels + channel) * 117 + at]
            let (mean, std) = (
              Self.normalization.mean[channel], Self.normalization.std[channel]
            )
            func normalized(_ label: UInt16) -> Float {
              Float((Double(Self.value(label, channel)) - mean) / std)
            }
            // Rows 11 and 12 are beyond the raster: the mean, ignored.
            let expected =
              at / 9 >= 11
              ? 0 : normalized(label == -1 ? LabelMap.ignored : UInt16(label))
            #expect(abs(pixel - expected) < 1e-4, "\(image) \(channel) \(at)")
          }
        }
      }
    }
  }

  @Test func `an array that is not as large as its labels is a broken file`() throws {
    let folder = try TemporaryFolder()
    try makeSet(folder, isTurned: true)
    let set = try openLabelMaps(at: folder.path)
    let loader = loader(set, crop: PixelSize(width: 9, height: 13))
    defer { loader.stop() }
    let error = #expect(throws: DatasetError.self) {
      for _ in 0..<8 { _ = try loader.next() }
    }
    #expect(error?.reason.contains("data.raster.arrays") == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [false, true])
  func `a raster lies in its square as a picture does`(keepsPadding: Bool) {
    let (width, height, side) = (48, 31, 32)
    let pixels = (0..<width * height * 3).map { (at: Int) -> UInt8 in
      let value: Int = at * 29 + (at / 11) * 17
      return UInt8(value % 256)
    }
    let picture = ByteImage(width: width, height: height, channels: 3, pixels: pixels)
    var planes: [Float] = []
    for c in 0..<3 { planes += stride(from: c, to: pixels.count, by: 3).map { Float(pixels[$0]) } }
    let whole = Raster(width: width, height: height, channels: 3, planes: planes)
    let jitter = LargeScaleJitter(side: side, scale: 0.4...2, flip: 0.5, keepsPadding: keepsPadding)
    var random = SampleRandom(seed: 4)
    var (flipped, padded) = (0, 0)
    for _ in 0..<30 {
      let view = jitter.view(of: PixelSize(width: width, height: height), using: &random)
      flipped += view.isFlipped ? 1 : 0
      padded += view.resized.width < side ? 1 : 0
      let shown = view.picture(picture, fill: [0, 0, 0]).pixels
      var square = [Float](repeating: .nan, count: 3 * side * side)
      square.withUnsafeMutableBufferPointer { planes in
        guard let first = planes.baseAddress else { return }
        view.write(
          whole, normalized: PixelNormalization(mean: [0, 0, 0], std: [1, 1, 1]), into: first)
      }
      for c in 0..<3 {
        for at in 0..<side * side {
          // Pillow rounds bytes after each of its two passes.
          let difference: Float = square[c * side * side + at] - Float(shown[3 * at + c])
          #expect(abs(difference) <= 1.51, "\(c) \(at) of \(view)")
        }
      }
    }
    #expect(flipped > 5 && flipped < 25 && padded > 3)
  }

  @Test func `a cache keeps rasters and changes no batch`() throws {
    let folder = try TemporaryFolder()
    try makeSet(folder)
    let set = try openDataset(at: folder.path + "/images")
    var checker = LoaderChecker(set)
    checker.transform.normalization = Self.normalization
    checker.transform.raster = RasterSettings()
    checker.transform.augmentation.jitter = .none
    let expected = try checker.batches(0..<6)
    // Three of them fit, then all.
    for cache in [1, 8000, 1 << 30] {
      checker.cacheBytes = cache
      #expect(try checker.batches(0..<6) == expected, "\(cache)")
    }
    // 11 to 16 columns, 11 rows, 5 channels of 4 bytes.
    let columns = 11 + 12 + 13 + 14 + 15 + 16
    let needed: Int = 11 * 5 * 4 * columns + 6 * PixelCache.overhead
    #expect(PixelCache.bytes(of: set, for: checker.transform) == needed)
    let loader = BatchLoader(
      set, transform: checker.transform, batch: 6, seed: 1, workers: 1, cacheBytes: 1 << 30)
    defer { loader.stop() }
    for _ in 0..<3 { _ = try loader.next() }
    #expect(loader.cachedBytes == needed)
  }

  @Test func `arrays are packed into shards and read from them`() throws {
    let folder = try TemporaryFolder()
    try makeSet(folder)
    let arrays = try openDataset(at: folder.path + "/images")
    let report = try ShardPacking(imagesPerShard: 4).pack(arrays, to: folder.path + "/packed")
    let packed = try openDataset(at: report.pattern)
    #expect(packed.count == 6)
    for index in 0..<6 {
      #expect(try packed.content(of: index).raster() == arrays.content(of: index).raster())
    }
  }

  @Test func `arrays beside pictures in an archive are no images`() throws {
    let folder = try TemporaryFolder()
    let array = ArrayFile.npy([1, 2, 3, 4], shape: [2, 2])
    let picture = try grayImage(7).encodedAsPNG()
    let label = Array("cat".utf8)
    func names(_ members: [(String, [UInt8])]) throws -> [String] {
      let path = try folder.write(
        "a-\(members.count).tar", tar(members.map { TarFile(name: $0.0, content: $0.1) }))
      let set = try openDataset(at: path)
      return (0..<set.count).map { lastComponent(set.name(of: $0)) }
    }
    let alone = [("0.npy", array), ("0.cls", label), ("1.npy", array), ("1.cls", label)]
    #expect(try names(alone).count == 2)
    #expect(
      try names(alone + [("0.png", picture), ("2.png", picture), ("2.cls", label)]).count == 2)
  }
}
