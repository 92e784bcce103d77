import CImageCodecs
import Foundation
import Testing

@testable import Imaging

@Suite struct ResamplingTests {
  static let references: [String] =
    ((try? Fixture.names("ppm")) ?? []).filter { $0.hasPrefix("resample-") }

  @Test func `there are references`() { #expect(Self.references.count == 14) }

  @Test(arguments: references)
  func `equals Pillow`(_ name: String) throws {
    let parts = name.dropLast(4).split(separator: "-")
    let sides = parts[1].split(separator: "x").compactMap { Int($0) }
    let filter = try #require(ResamplingFilter(rawValue: String(parts[2])))
    let resized = try Fixture.ppm("resample.ppm").resized(
      to: PixelSize(width: sides[0], height: sides[1]), filter: filter)
    let difference = Difference(resized, try Fixture.ppm(name))
    #expect(difference.largest <= 1, "\(difference)")
  }

  @Test func `a cut part equals Pillow's crop and resize`() throws {
    var framing = Framing(
      PixelRectangle(x: 9, y: 5, width: 31, height: 28), to: PixelSize(width: 24, height: 24))
    let source = try Fixture.ppm("resample.ppm")
    let expected = try Fixture.ppm("crop-9-5-31-28-to-24x24.ppm")
    let size = PixelSize(width: 24, height: 24)
    let whole = PixelSize(width: source.width, height: source.height)
    func resampled() -> ByteImage {
      let axes = framing.axes(output: size, eighths: 8, scaled: whole, kernel: .bicubic)
      return source.resampled(columns: axes.columns, rows: axes.rows)
    }
    #expect(Difference(resampled(), expected).largest <= 1)
    framing.flipped = true
    #expect(Difference(resampled(), expected.flippedHorizontally).largest <= 1)
  }

  @Test func `the same size changes nothing`() {
    let image = testPattern(width: 31, height: 17)
    for kernel in ResamplingKernel.allCases {
      #expect(image.resized(to: PixelSize(width: 31, height: 17), kernel: kernel) == image)
    }
  }

  @Test(arguments: [(1, 1), (1, 40), (200, 3), (64, 64)])
  func `one colour stays that colour`(_ width: Int, _ height: Int) {
    let image = ByteImage(
      width: 9, height: 7, channels: 1, pixels: Array(repeating: 201, count: 63))
    let resized = image.resized(to: PixelSize(width: width, height: height))
    #expect(resized.pixels.allSatisfy { $0 == 201 })
  }

  @Test func `gray and colour agree`() {
    let gray = testPattern(width: 40, height: 30, channels: 1)
    let size = PixelSize(width: 23, height: 37)
    #expect(
      gray.resized(to: size).converted(toChannels: 3)
        == gray.converted(toChannels: 3).resized(to: size))
  }

  @Test func `normalised planes are the normalised bytes`() {
    for channels in [1, 3] {
      let image = testPattern(width: 50, height: 40, channels: channels)
      let normalization = PixelNormalization(
        mean: [0.485, 0.456, 0.406].suffix(channels),
        std: [0.229, 0.224, 0.225].suffix(channels))
      let axes = Framing(
        PixelRectangle(x: 3, y: 2, width: 44, height: 35), to: PixelSize(width: 70, height: 19)
      ).axes(
        output: PixelSize(width: 70, height: 19), eighths: 8,
        scaled: PixelSize(width: 50, height: 40), kernel: .bicubic)
      let bytes = image.resampled(columns: axes.columns, rows: axes.rows)
      var planes = [Float](repeating: .nan, count: channels * 19 * 70)
      planes.withUnsafeMutableBufferPointer { planes in
        guard let start = planes.baseAddress else { return }
        image.withRows {
          $0.resample(
            columns: axes.columns, rows: axes.rows, normalized: normalization, into: start,
            scratch: DecoderScratch())
        }
      }
      for c in 0..<channels {
        for y in 0..<19 {
          for x in 0..<70 {
            let value = Double(bytes[x, y, c]) / 255
            let expected = (value - normalization.mean[c]) / normalization.std[c]
            #expect(abs(Double(planes[(c * 19 + y) * 70 + x]) - expected) < 1e-5)
          }
        }
      }
    }
  }

  @Test func `gray fills every plane`() throws {
    let gray = testPattern(width: 40, height: 30, channels: 1)
    let transform = ImageTransform(
      .pretraining, size: PixelSize(width: 20, height: 24), normalization: .imageNet)
    func planes(_ image: ByteImage) throws -> [Float] {
      var random = SampleRandom(seed: 5)
      var planes = [Float](repeating: .nan, count: transform.valueCount)
      try planes.withUnsafeMutableBufferPointer { planes in
        guard let start = planes.baseAddress else { return }
        try transform.write(.pixels(image), using: &random, into: start)
      }
      return planes
    }
    #expect(try planes(gray) == planes(gray.converted(toChannels: 3)))
  }

  @Test(arguments: [1, 3, 4])
  func `vectorised and portable loops agree to the bit`(_ channels: Int) {
    var random = SampleRandom(seed: 11)
    for _ in 0..<60 {
      let width = 1 + random.integer(below: 70)
      let rows = 1 + random.integer(below: 9)
      let outputs = 1 + random.integer(below: 50)
      let kernel = ResamplingKernel.allCases[random.integer(below: 6)]
      let axis = ResamplingAxis(
        start: 0, length: Double(width), resized: outputs, outputs: 0..<outputs,
        bounds: 0..<width, kernel: kernel)
      // Nothing may be read behind the last byte: the address sanitizer sees to that.
      let pixels = (0..<rows * width * channels).map { _ in UInt8(random.integer(below: 256)) }
      let stride = outputs * (channels == 1 ? 1 : 4)
      func columns(
        _ loop: (
          UnsafePointer<mae_rows>?, UnsafePointer<mae_axis>?, UnsafeMutablePointer<UInt8>?, Int
        ) -> Void
      ) -> [UInt8] {
        var out = [UInt8](repeating: 7, count: rows * stride)
        pixels.withUnsafeBufferPointer { pixels in
          axis.withUnsafeAxis { axis in
            var source = mae_rows(
              first: pixels.baseAddress, stride: width * channels, rows: Int32(rows),
              channels: Int32(channels), readable: pixels.count)
            var axis = axis
            loop(&source, &axis, &out, stride)
          }
        }
        return out
      }
      #expect(columns(mae_resample_columns) == columns(mae_resample_columns_portable))
      func blended(
        _ loop: (
          UnsafePointer<UInt8>?, Int, Int32, UnsafePointer<Int16>?, Int32, Int,
          UnsafeMutablePointer<UInt8>?
        ) -> Void
      ) -> [UInt8] {
        let weights = (0..<rows).map { _ in Int16(random.integer(below: 9000) - 2000) }
        var out = [UInt8](repeating: 7, count: width * channels)
        loop(pixels, width * channels, Int32(rows), weights, 15, width * channels, &out)
        return out
      }
      let state = random
      let fast = blended(mae_blend_rows)
      random = state
      #expect(fast == blended(mae_blend_rows_portable))
    }
  }

  @Test func `reflection repeats no edge`() {
    #expect((-4..<8).map { reflected($0, in: 4) } == [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1])
    #expect((-2..<3).map { reflected($0, in: 1) } == [0, 0, 0, 0, 0])
  }
}
