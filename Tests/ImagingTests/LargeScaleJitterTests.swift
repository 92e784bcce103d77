import Testing

@testable import Imaging

/// Large-scale jitter: pixels, boxes, polygons and masks go the same way.
@Suite struct LargeScaleJitterTests {
  /// A picture that is white where the polygon is.
  private func picture(_ polygon: [Double], width: Int, height: Int) throws -> (
    ByteImage, RunLengthMask
  ) {
    let mask = try RunLengthMask(width: width, height: height, polygons: [polygon])
    let image = ByteImage(
      width: width, height: height, channels: 1, pixels: mask.pixels.map { $0 * 255 })
    return (image, mask)
  }

  @Test func `all shapes of an object move with its pixels`() throws {
    let polygon: [Double] = [20, 12, 52, 12, 52, 40, 20, 40]
    let (image, mask) = try picture(polygon, width: 80, height: 60)
    let box = SIMD4<Double>(20, 12, 32, 28)
    let objects = [
      PictureObject(label: 1, box: box, shape: .none),
      PictureObject(label: 2, box: box, shape: .polygons([polygon])),
      PictureObject(label: 3, box: box, shape: .mask(mask)),
    ]
    let jitter = LargeScaleJitter(side: 64)
    for (number, scale) in [0.3, 0.75, 1, 1.4, 2].enumerated() {
      for isFlipped in [false, true] {
        for place in [0, 0.3, 1] {
          let draw = LargeScaleJitter.Draw(scale: scale, place: place, isFlipped: isFlipped)
          let result = jitter.apply(image, objects, draw)
          #expect(result.image.width == 64 && result.image.height == 64)
          guard result.objects.count == 3 else {
            #expect(result.objects.isEmpty, "\(number)")
            continue
          }
          // White pixels lie in the box, and fill most of it.
          for object in result.objects {
            let (x0, x1) = (object.box.x, object.box.x + object.box.z)
            let (y0, y1) = (object.box.y, object.box.y + object.box.w)
            var (inside, white) = (0, 0)
            for y in 0..<64 {
              for x in 0..<64 where result.image[x, y, 0] > 127 {
                white += 1
                if Double(x) + 1 > x0 - 1, Double(x) < x1 + 1, Double(y) + 1 > y0 - 1,
                  Double(y) < y1 + 1
                {
                  inside += 1
                }
              }
            }
            #expect(inside == white && white > 0)
            #expect(
              abs(Double(white) - object.box.z * object.box.w) <= 2 * (object.box.z + object.box.w))
          }
          let boxes = result.objects.map(\.box)
          for i in 0..<4 {
            #expect(abs(boxes[0][i] - boxes[1][i]) < 1e-9)
            #expect(abs(boxes[0][i] - boxes[2][i]) <= 1.01)
          }
          if case .mask(let cut) = result.objects[2].shape {
            #expect(cut.size == result.size)
          } else {
            Issue.record("the mask is another shape")
          }
        }
      }
    }
  }

  @Test func `an object outside of the part is dropped, one at its edge is cut`() {
    let image = ByteImage(
      width: 40, height: 40, channels: 1, pixels: [UInt8](repeating: 9, count: 1600))
    let jitter = LargeScaleJitter(side: 20)
    let draw = LargeScaleJitter.Draw(scale: 2, place: 0, isFlipped: false)
    func moved(_ polygon: [Double]) -> PictureObject? {
      jitter.apply(
        image,
        [
          PictureObject(label: 0, box: .zero, shape: .polygons([polygon]))
        ], draw
      ).objects.first
    }
    // Twice 20 pixels of 40: nothing is resized, the top left quarter is cut out.
    #expect(moved([30, 30, 39, 30, 39, 39]) == nil)
    #expect(moved([20, 0, 39, 0, 39, 9, 20, 9]) == nil)
    #expect(moved([10, 10, 30, 10, 30, 30, 10, 30])?.box == SIMD4(10, 10, 10, 10))
    #expect(moved([-5, -5, 50, -5, 50, 50, -5, 50])?.box == SIMD4(0, 0, 20, 20))
    #expect(moved([0, 0, 20, 0, 20, 20, 0, 20])?.box == SIMD4(0, 0, 20, 20))
    // A U whose legs alone reach in: the joint along the border is no part of it.
    let u: [Double] = [2, 15, 5, 15, 5, 30, 12, 30, 12, 15, 15, 15, 15, 35, 2, 35]
    #expect(moved(u)?.box == SIMD4(2, 15, 13, 5))
    // Around the corner, without touching the part.
    #expect(moved([25, -5, 30, -5, 30, 30, -5, 30, -5, 25, 25, 25]) == nil)
  }

  @Test func `sizes are rounded and places drawn as Detectron2 does it`() {
    let image = ByteImage(
      width: 30, height: 20, channels: 1, pixels: [UInt8](repeating: 9, count: 600))
    let jitter = LargeScaleJitter(side: 16)
    // 16 · 1.5 / 30 = 0.8: 24 × 16.
    let result = jitter.apply(
      image, [PictureObject(label: 0, box: SIMD4(10, 5, 5, 5), shape: .none)],
      LargeScaleJitter.Draw(scale: 1.5, place: 0.5, isFlipped: false))
    #expect(result.size == PixelSize(width: 16, height: 16))
    #expect(result.objects[0].box == SIMD4(4, 4, 4, 4))
    var (first, second) = (SampleRandom(seed: 4), SampleRandom(seed: 4))
    #expect(jitter.apply(image, [], using: &first) == jitter.apply(image, [], using: &second))
  }
}
