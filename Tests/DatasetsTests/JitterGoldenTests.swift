import Foundation
import Imaging
import TestSupport
import Testing
import Torch

@testable import Datasets

/// Large-scale jitter against Pillow's pixels and the rules of detectron2 and MIMDet, which the golden's
/// script has.
@Suite struct JitterGoldenTests {
  static let golden = Golden("jitter")

  struct Manifest: Decodable {
    struct Case: Decodable {
      var name: String
      var scale, place: Double
      var flip, gray: Bool
    }
    struct Size: Decodable {
      var source, size, crop: [Int]
      var scale, place: Double
    }
    var side: Int
    var fill: [UInt8]
    var polygons: [[Double]]
    var sizes: [Size]
    var cases: [Case]
  }

  @Test func `sizes and places of large pictures are those of the rules`() throws {
    let manifest = try Self.golden.manifest(as: Manifest.self)
    #expect(manifest.sizes.count == 25)
    for known in manifest.sizes {
      let view = LargeScaleJitter(side: 1024).view(
        of: PixelSize(width: known.source[0], height: known.source[1]), share: known.scale,
        place: known.place, isFlipped: false)
      #expect([view.resized.width, view.resized.height] == known.size, "\(known)")
      #expect([view.x, view.y] == known.crop, "\(known)")
    }
  }

  @Test func `squares are Pillow's, and boxes those of the rules`() throws {
    let manifest = try Self.golden.manifest(as: Manifest.self)
    let tensors = try Self.golden.tensors("jitter.safetensors")
    let pixels = try tensors["picture"]
    let picture = ByteImage(
      width: pixels.shape[1], height: pixels.shape[0], channels: 3,
      pixels: pixels.array(of: UInt8.self))
    let list = manifest.polygons.enumerated().map { number, polygon in
      #"{"id":\#(number + 1),"image_id":1,"category_id":1,"bbox":[0,0,9,9],"area":9,"iscrowd":0,"#
        + #""segmentation":[\#(polygon)]}"#
    }
    let text =
      #"{"images":[{"id":1,"file_name":"a.png","width":\#(picture.width),"#
      + #""height":\#(picture.height)}],"categories":[{"id":1,"name":"thing"}],"#
      + #""annotations":[\#(list.joined(separator: ","))]}"#
    let set = try Data(text.utf8).withUnsafeBytes {
      try COCOAnnotations(path: "a.json", bytes: $0)
    }
    try #require(set.objects.count == 4)
    for known in manifest.cases {
      let jitter = LargeScaleJitter(side: manifest.side, keepsPadding: known.gray)
      let view = jitter.view(
        of: PixelSize(width: picture.width, height: picture.height), share: known.scale,
        place: known.place, isFlipped: known.flip)
      let square = view.picture(picture, fill: known.gray ? [128, 128, 128] : manifest.fill)
      // Pillow rounds its weights to 22 bits, and between the two axes.
      let wanted = try tensors["\(known.name).square"].array(of: UInt8.self)
      let off = zip(square.pixels, wanted).map { abs(Int($0) - Int($1)) }
      #expect(off.count == wanted.count && off.max() ?? 9 <= 1, "\(known)")
      let boxes: [Double] = try tensors["\(known.name).boxes"].array()
      for (number, object) in set.objects.enumerated() {
        let wanted = boxes[4 * number..<4 * number + 4]
        let found = DetectionObject(object, of: set, in: view)?.box
        if wanted.contains(where: \.isNaN) {
          #expect(found == nil, "\(known), \(number)")
        } else {
          let box = try #require(found, "\(known), \(number)")
          for (index, value) in wanted.enumerated() {
            #expect(abs(Double(box[index]) - value) < 1e-5, "\(known), \(number)")
          }
        }
      }
    }
  }
}
