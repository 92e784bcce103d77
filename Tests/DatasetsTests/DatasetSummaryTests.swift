import Imaging
import TestPhotos
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

  @Test func `balance`() {
    #expect(ClassBalance([5, 5, 5, 5])?.effective == 4)
    #expect(ClassBalance([5, 0])?.empty == 1)
    #expect(ClassBalance([5, 0])?.effective == 1)
    #expect(ClassBalance([0, 0]) == nil)
  }
}
