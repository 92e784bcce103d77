import TestSupport
import Testing

@testable import Imaging

/// Masks as runs, against pycocotools and by their definition.
@Suite struct RunLengthMaskTests {
  private struct Case: Decodable {
    var name: String
    var kind: String
    var size: [Int]
    var counts: [Int]?
    var text: String?
    var area: Int?
    var box: [Double]?
    var polygons: [[Double]]?
    var detections, truths: [String]?
    var crowds: [Int]?
    var overlaps, boxOverlaps: [[Double]]?
    var union, intersection: String?

    var width: Int { size[1] }
    var height: Int { size[0] }
    func mask(_ text: String) throws -> RunLengthMask {
      try RunLengthMask(width: width, height: height, text: text.utf8)
    }
  }

  private static func cases(_ kind: String) throws -> [Case] {
    let found = try Golden("masks").cases(of: Case.self).filter { $0.kind == kind }
    try #require(!found.isEmpty)
    return found
  }

  @Test func `text, area and box are those of pycocotools`() throws {
    for example in try Self.cases("bitmap") {
      let text = try #require(example.text)
      let counts = try #require(example.counts)
      let mask = try RunLengthMask(width: example.width, height: example.height, counts: counts)
      #expect(mask.text == text, "\(example.name)")
      #expect(try example.mask(text) == mask, "\(example.name)")
      #expect(mask.area == example.area, "\(example.name)")
      let box = mask.box.map { [Double($0.x), Double($0.y), Double($0.width), Double($0.height)] }
      #expect(box ?? [0, 0, 0, 0] == example.box, "\(example.name)")
      #expect(
        RunLengthMask(width: example.width, height: example.height, pixels: mask.pixels) == mask)
    }
  }

  @Test func `polygons are filled as pycocotools fills them`() throws {
    for example in try Self.cases("polygon") {
      let mask = try RunLengthMask(
        width: example.width, height: example.height, polygons: #require(example.polygons))
      #expect(mask.text == example.text, "\(example.name)")
    }
  }

  @Test func `overlaps, unions and intersections are those of pycocotools`() throws {
    for example in try Self.cases("overlap") {
      let detections = try #require(example.detections).map(example.mask)
      let truths = try #require(example.truths).map(example.mask)
      let crowds = try #require(example.crowds)
      let (overlaps, boxOverlaps) = try (
        #require(example.overlaps), #require(example.boxOverlaps)
      )
      for (i, detection) in detections.enumerated() {
        for (j, truth) in truths.enumerated() {
          let found = detection.overlap(with: truth, isCrowd: crowds[j] == 1)
          #expect(abs(found - overlaps[i][j]) <= 1e-12, "\(example.name) \(i) \(j)")
          guard let a = detection.box, let b = truth.box else { continue }
          func vector(_ box: PixelRectangle) -> SIMD4<Double> {
            SIMD4(Double(box.x), Double(box.y), Double(box.width), Double(box.height))
          }
          let ofBoxes = boxOverlap(vector(a), vector(b), isCrowd: crowds[j] == 1)
          #expect(abs(ofBoxes - boxOverlaps[i][j]) <= 1e-12, "\(example.name) \(i) \(j)")
        }
      }
      #expect(detections[0].union(truths[0]).text == example.union)
      #expect(detections[0].intersection(truths[0]).text == example.intersection)
    }
  }

  @Test func `every mask of two by three pixels comes back from its text`() throws {
    for bits in 0..<64 {
      let pixels = (0..<6).map { UInt8(bits >> $0 & 1) }
      let mask = RunLengthMask(width: 2, height: 3, pixels: pixels)
      #expect(mask.pixels == pixels)
      #expect(try RunLengthMask(width: 2, height: 3, text: mask.text.utf8) == mask)
      #expect(mask.area == pixels.reduce(0) { $0 + Int($1) })
      for other in 0..<64 {
        let others = (0..<6).map { UInt8(other >> $0 & 1) }
        let second = RunLengthMask(width: 2, height: 3, pixels: others)
        #expect(mask.subtracting(second).pixels == zip(pixels, others).map { $0 & (1 - $1) })
        #expect(mask.union(second).pixels == zip(pixels, others).map { $0 | $1 })
      }
    }
  }

  @Test func `runs with zeros in between are the same mask as without`() throws {
    let plain = try RunLengthMask(width: 4, height: 3, counts: [2, 5, 5])
    let other = try RunLengthMask(width: 4, height: 3, counts: [1, 0, 1, 2, 0, 3, 0, 0, 5])
    #expect(other == plain)
  }

  @Test(arguments: [
    ("12", "stands for 3 pixels; its size [3, 4] has 12"),
    ("1~", "has byte 126 at 2"),
    ("oooooooooo", "too many digits"),
    ("Q", "is cut off in a count"),
    ("A", "count 1 in the text of its RLE is -15"),
  ])
  func `text that is no mask of its size is refused`(text: String, message: String) {
    #expect(throws: MaskError.self) {
      do throws(MaskError) {
        _ = try RunLengthMask(width: 4, height: 3, text: text.utf8)
      } catch {
        #expect(error.reason.contains(message), "\(error.reason)")
        throw error
      }
    }
  }

  @Test(arguments: [
    ([3, -1, 10], "run 2 of its RLE is -1"), ([3, 4], "add up to 7 pixels"),
    ([Int.max, Int.max], "add up to"), ([], "add up to 0 pixels"),
  ])
  func `runs that do not add up are refused`(counts: [Int], message: String) {
    do throws(MaskError) {
      _ = try RunLengthMask(width: 4, height: 3, counts: counts)
      Issue.record("taken")
    } catch {
      #expect(error.reason.contains(message), "\(error.reason)")
    }
  }

  @Test(arguments: [
    ([1.0, 2, 3], "polygon of 3 numbers"), ([1, 2, 3, 4], "polygon of 2 points"),
    ([0, 0, 1, 0, .nan, 1], "not finite"), ([], "polygon of 0 points"),
  ])
  func `lists that are no polygon are refused`(points: [Double], message: String) {
    do throws(MaskError) {
      _ = try RunLengthMask(width: 4, height: 3, polygons: [points])
      Issue.record("taken")
    } catch {
      #expect(error.reason.contains(message), "\(error.reason)")
    }
  }

  @Test func `a polygon far outside costs no more than one inside`() throws {
    let mask = try RunLengthMask(
      width: 10, height: 10,
      polygons: [[-1e300, -1e300, 1e300, -1e300, 1e300, 1e300, -1e300, 1e300]])
    #expect(mask.area == 100)
  }
}
