import FileSystem
import Foundation
import Imaging
import TestSupport
import Testing

@testable import Datasets

/// Boxes, polygons and masks move with the pixels.
@Suite struct DetectionViewTests {
  /// A white shape on black, and the file that tells of it by a polygon, by pixels and by its box.
  private func scene() throws -> (picture: ByteImage, set: COCOAnnotations) {
    let polygon: [Double] = [20, 12, 70, 16, 60, 50, 34, 56]
    let mask = try RunLengthMask(width: 96, height: 64, polygons: [polygon])
    let picture = ByteImage(
      width: 96, height: 64, channels: 1, pixels: mask.pixels.map { $0 * 255 })
    let text = """
      {"images":[{"id":1,"file_name":"a.png","width":96,"height":64}],
      "categories":[{"id":1,"name":"thing"}],"annotations":[
      {"id":1,"image_id":1,"category_id":1,"bbox":[20,12,50,44],"area":1,"iscrowd":0,
      "segmentation":[\(polygon)]},
      {"id":2,"image_id":1,"category_id":1,"bbox":[20,12,50,44],"area":1,"iscrowd":0,
      "segmentation":{"size":[64,96],"counts":\(mask.counts)}},
      {"id":3,"image_id":1,"category_id":1,"bbox":[20,12,50,44],"area":1,"iscrowd":0}]}
      """
    let set = try Data(text.utf8).withUnsafeBytes {
      try COCOAnnotations(path: "a.json", bytes: $0)
    }
    return (picture, set)
  }

  @Test(arguments: [false, true])
  func `polygons and masks lie on the pixels that they lay on`(keepsPadding: Bool) throws {
    let (picture, set) = try scene()
    let jitter = LargeScaleJitter(side: 64, scale: 0.5...2, flip: 0.5, keepsPadding: keepsPadding)
    var random = SampleRandom(seed: 3)
    var (flipped, cut) = (0, 0)
    for _ in 0..<40 {
      let view = jitter.view(of: PixelSize(width: 96, height: 64), using: &random)
      flipped += view.isFlipped ? 1 : 0
      cut += view.resized.width > 64 ? 1 : 0
      let shown = view.picture(picture, fill: [0]).pixels
      for object in set.objects.prefix(2) {
        guard let seen = DetectionObject(object, of: set, in: view) else { continue }
        let pixels: [UInt8] =
          switch seen.shape {
          case .polygons(let polygons):
            try RunLengthMask(width: 64, height: 64, polygons: polygons).pixels
          case .mask(let mask): mask.pixels
          case .none: []
          }
        let off = zip(shown, pixels).count { ($0 > 127) != ($1 > 0) }
        // The edge's pixels alone may differ.
        #expect(off <= 60, "\(off) pixels of \(view)")
        for (at, pixel) in pixels.enumerated() where pixel > 0 {
          let (x, y) = (Float(at % 64) + 0.5, Float(at / 64) + 0.5)
          let (box, slack) = (seen.box, Float(1.01))
          #expect(
            x > box.x - slack && x < box.z + slack && y > box.y - slack && y < box.w + slack)
        }
      }
    }
    #expect(flipped > 8 && flipped < 32 && cut > 8)
  }

  @Test func `a view's numbers are detectron2's`() {
    var random = SampleRandom(seed: 1)
    let jitter = LargeScaleJitter(side: 1024, scale: 2...2, flip: 0)
    let view = jitter.view(of: PixelSize(width: 640, height: 427), using: &random)
    #expect(view.resized == PixelSize(width: 2048, height: 1366))
    // One draw for both axes: the places are in the ratio of what is left over.
    #expect(abs(Double(view.x) / 1024 - Double(view.y) / 342) < 2e-3)
    #expect(view.inside == PixelSize(width: 1024, height: 1024))
    let small = LargeScaleJitter(side: 1024, scale: 0.1...0.1, flip: 1)
      .view(of: PixelSize(width: 640, height: 427), using: &random)
    #expect(small.resized == PixelSize(width: 102, height: 68))
    #expect(small.extent == PixelSize(width: 102, height: 68))
    #expect(small.place(x: 0, y: 0).x == 102)
    let gray = LargeScaleJitter(side: 1024, scale: 0.1...0.1, flip: 1, keepsPadding: true)
      .view(of: PixelSize(width: 640, height: 427), using: &random)
    #expect(gray.extent == PixelSize(width: 1024, height: 1024))
    #expect(gray.place(x: 0, y: 0).x == 1024)
  }

  @Test func `what is cut away leaves the box of what is left, or nothing`() throws {
    let (_, set) = try scene()
    var view = DetectionView(
      source: PixelSize(width: 96, height: 64), resized: PixelSize(width: 96, height: 64), x: 30,
      y: 0, side: 32, isFlipped: false, keepsPadding: false)
    let polygon = try #require(DetectionObject(set.objects[0], of: set, in: view))
    #expect(polygon.box.x == 0 && polygon.box.z == 32 && polygon.box.w == 32)
    let box = try #require(DetectionObject(set.objects[2], of: set, in: view))
    #expect(box.box == SIMD4(0, 12, 32, 32))
    view.x = 71
    view.side = 20
    #expect(set.objects.allSatisfy { DetectionObject($0, of: set, in: view) == nil })
  }

  @Test func `cells of a box are COCO's of polygons and the nearest of pixels`() throws {
    let (_, set) = try scene()
    let view = DetectionView(
      source: PixelSize(width: 96, height: 64), resized: PixelSize(width: 96, height: 64), x: 0,
      y: 0, side: 96, isFlipped: false, keepsPadding: false)
    let polygon = try #require(DetectionObject(set.objects[0], of: set, in: view))
    let pixels = try #require(DetectionObject(set.objects[1], of: set, in: view))
    let (a, b) = (
      polygon.cells(within: polygon.box, side: 28), pixels.cells(within: polygon.box, side: 28)
    )
    #expect(a.count == 784 && a.count { $0 == 1 } > 300)
    #expect(zip(a, b).count { $0 != $1 } < 60)
  }
}
