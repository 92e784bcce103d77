import Foundation
import TestSupport
import Testing

@testable import Imaging

/// Rasters with labels for every pixel become examples as pictures do.
@Suite struct RasterExampleTests {
  private static func scene(
    _ width: Int, _ height: Int
  ) -> (picture: ByteImage, labels: LabelMap) {
    let pixels = (0..<width * height * 3).map { (at: Int) -> UInt8 in
      let value: Int = at * 37 + (at / 7) * 11 + (at % 5) * 40
      return UInt8(value % 256)
    }
    let labels = (0..<width * height).map { (at: Int) -> UInt16 in
      UInt16((at / 3 + at / width) % 4)
    }
    return (
      ByteImage(width: width, height: height, channels: 3, pixels: pixels),
      LabelMap(width: width, height: height, labels: labels)
    )
  }

  private static func reds(of picture: ByteImage) -> [UInt16] {
    stride(from: 0, to: picture.pixels.count, by: 3).map { UInt16(picture.pixels[$0]) }
  }

  private static let plain = PixelNormalization(mean: [0, 0, 0], std: [1, 1, 1])

  @Test func `a raster is resized, cut, mirrored and turned as a picture and its labels are`() {
    let (picture, labels) = Self.scene(37, 23)
    let crop = PixelSize(width: 24, height: 24)
    let augmentation = SegmentationAugmentation(
      scale: PixelSize(width: 48, height: 32), minRatio: 0.4, maxRatio: 2, crop: crop,
      maxClassShare: 0.75, photometric: nil,
      turning: RandomTurning(verticalFlip: 0.5, rotate90: 0.8))
    var shapes: Set<[UInt16]> = []
    for seed in 0..<30 as Range<UInt64> {
      var (one, other) = (SampleRandom(seed: seed), SampleRandom(seed: seed))
      let expected = augmentation.apply(picture, labels, fill: [0, 0, 0], using: &one)
      var planes = [Float](repeating: .nan, count: 3 * 24 * 24)
      let found = planes.withUnsafeMutableBufferPointer { planes in
        planes.baseAddress.map {
          augmentation.apply(
            Raster(picture), labels, normalized: Self.plain, into: $0, using: &other)
        }
      }
      #expect(found == expected.labels)
      #expect(one.uniform() == other.uniform())
      // OpenCV rounds weights of bytes to 11 bits and values to whole numbers.
      let bytes = Raster(expected.image).planes
      let worst = zip(planes, bytes).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst <= 1, "\(worst) with seed \(seed)")
      shapes.insert(expected.labels.labels)
    }
    #expect(shapes.count == 30)
  }

  @Test func `pixels and labels are turned together`() {
    let (picture, _) = Self.scene(16, 16)
    // Labels that are the first channel.
    let labels = LabelMap(
      width: 16, height: 16, labels: Self.reds(of: picture))
    let augmentation = SegmentationAugmentation(
      scale: PixelSize(width: 16, height: 16), minRatio: 1, maxRatio: 1,
      crop: PixelSize(width: 16, height: 16), maxClassShare: 1, photometric: nil,
      turning: RandomTurning(verticalFlip: 0.5, rotate90: 1))
    var seen: Set<[UInt16]> = []
    for seed in 0..<200 as Range<UInt64> {
      var random = SampleRandom(seed: seed)
      let example = augmentation.apply(picture, labels, using: &random)
      #expect(example.labels.labels == Self.reds(of: example.image))
      seen.insert(example.labels.labels)
    }
    #expect(seen.count == 8)
  }

  @Test func `turns ask for square examples and for probabilities`() {
    var augmentation = SegmentationAugmentation(
      crop: PixelSize(width: 20, height: 10),
      turning: RandomTurning(verticalFlip: 2, rotate90: 1))
    #expect(augmentation.problems.map(\.path) == ["rotate90", "verticalFlip"])
    augmentation.turning = RandomTurning(verticalFlip: 1)
    #expect(augmentation.problems.isEmpty)
  }

  @Test func `a whole raster has its missing values filled, and asks for the size of its labels`()
    throws
  {
    let values = [1, 2, .nan, 4, 5, 6, 7, 8, 9, 10, 11, 12] as [Float]
    let file = ImageContent.encoded(
      try EncodedImage(bytes: ArrayFile.npy(values, shape: [2, 2, 3])))
    let refused = #expect(throws: ImageError.self) {
      try file.whole(channels: 2, raster: RasterSettings(), means: [0, 0])
    }
    #expect(refused?.kind == .missingValues)
    let whole = try file.whole(
      channels: 2, raster: RasterSettings(missing: .mean), means: [3, 0])
    guard case .raster(let raster, _) = whole else {
      Issue.record("a picture")
      return
    }
    #expect(raster.planes[2] == 3)
    #expect(whole.shown.channels == 3 && whole.shown.width == 3)
    try whole.requireSize(PixelSize(width: 3, height: 2), "its labels have")
    let error = #expect(throws: ImageError.self) {
      try whole.requireSize(PixelSize(width: 2, height: 3), "its labels have")
    }
    #expect(
      error?.reason
        == "has 3×2 pixels, and its labels have 2×3: correct the file, or say which axis of an array "
        + "holds the channels (data.raster.arrays)")
  }
}
