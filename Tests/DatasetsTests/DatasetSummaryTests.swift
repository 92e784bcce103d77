import Imaging
import TestPhotos
import TestSupport
import Testing

@testable import Datasets

@Suite struct DatasetSummaryTests {
  @Test func `copies and images that look alike`() throws {
    let folder = try TemporaryFolder()
    let photos = SyntheticPhotos(size: PixelSize(width: 96, height: 64))
    for i in 0..<6 {
      try folder.write("a/\(i).jpg", photos.image(i).encodedAsJPEG(quality: 90))
    }
    try folder.write("b/copy.jpg", photos.image(2).encodedAsJPEG(quality: 90))
    try folder.write(
      "b/small.jpg",
      photos.image(4).resized(to: PixelSize(width: 72, height: 48)).encodedAsJPEG(quality: 60))
    // Nothing on them: equal bytes, but no likeness to each other.
    try folder.writeImage("c/flat1.png", gray: 10)
    try folder.writeImage("c/flat2.png", gray: 200)
    let set = try openDataset(at: folder.path)
    let summary = DatasetSummary(of: set)
    func names(_ groups: [[Int]]) -> [[String]] { groups.map { $0.map(set.name(of:)) } }
    #expect(names(summary.duplicates.exact) == [["a/2.jpg", "b/copy.jpg"]])
    #expect(names(summary.duplicates.alike) == [["a/4.jpg", "b/small.jpg"]])
    #expect(summary.duplicates.surplus == 1)
    #expect(summary.lines.contains("copies   2 images in 1 group: a/2.jpg = b/copy.jpg"))
    #expect(summary.lines.contains("alike    2 images in 1 group: a/4.jpg ≈ b/small.jpg"))
    #expect(
      summary.lines.contains("balance  2 to 6 images a class; as even as 2.6 equal classes"))
  }

  @Test func `values that use a part of 16 bits are said`() throws {
    let folder = try TemporaryFolder()
    let samples = (0..<16).map { UInt16(100 + $0 * 250) }
    try folder.write("a/1.png", SixteenBitFile.png(samples, width: 4, height: 4))
    try folder.write("a/2.tif", SixteenBitFile.tiff(samples.reversed(), width: 4, height: 4))
    let set = try openDataset(at: folder.path)
    #expect(
      DatasetSummary(of: set).lines.contains(
        "values   16 bits a sample, 100 to 3850 of 0…65535 used: 16 gray levels of 256 left; give "
          + "data.valueRange: [100, 3850] in the recipe, or --value-range 100 3850 where a model is "
          + "used, for all of them"))
    #expect(UsedValues(of: set)?.range == 100...3850)
    // The measured mean follows the range.
    let narrow = try PixelStatistics(of: set, channels: 1).normalization.mean[0]
    let spread = try PixelStatistics(of: set, channels: 1, valueRange: 100...3850)
    #expect(narrow < 0.04 && abs(spread.normalization.mean[0] - 0.5) < 0.01)
    try folder.write(
      "a/3.png", SixteenBitFile.png([0, 65535], width: 2, height: 1))
    try folder.writeImage("a/4.png")
    #expect(
      DatasetSummary(of: try openDataset(at: folder.path)).lines.contains(
        "values   16 bits a sample in 3 images, 0 to 65535 of 0…65535 used"))
    let bytes = try TemporaryFolder()
    try bytes.writeImage("1.png")
    let summary = DatasetSummary(of: try openDataset(at: bytes.path))
    #expect(!summary.lines.contains { $0.hasPrefix("values") })
    #expect(UsedValues(of: try openDataset(at: bytes.path)) == nil)
  }

  @Test func `packed images that are encoded anew keep their gray levels`() throws {
    let folder = try TemporaryFolder()
    let samples = (0..<1024).map { UInt16($0 % 32 * 132) }
    try folder.write("in/1.png", SixteenBitFile.png(samples, width: 32, height: 32))
    let set = try openDataset(at: folder.path + "/in")
    func levels(_ packing: ShardPacking, _ name: String) throws -> Int {
      let packed = try openDataset(at: packing.pack(set, to: folder.path + "/" + name).pattern)
      let pixels = try packed.image(at: 0, channels: 1).pixels
      return Int(pixels.max() ?? 0) - Int(pixels.min() ?? 0)
    }
    var packing = ShardPacking(maximumSide: 16)
    #expect(try levels(packing, "whole") < 20)
    packing.valueRange = 0...4095
    #expect(try levels(packing, "spread") > 200)
    // Another range is another set.
    #expect(throws: DatasetError.self) { try levels(packing, "whole") }
  }

  @Test func `balance`() {
    #expect(ClassBalance([5, 5, 5, 5])?.effective == 4)
    #expect(ClassBalance([5, 0])?.empty == 1)
    #expect(ClassBalance([5, 0])?.effective == 1)
    #expect(ClassBalance([0, 0]) == nil)
  }
}
