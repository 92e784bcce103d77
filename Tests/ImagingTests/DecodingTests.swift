import Testing

@testable import Imaging

@Suite struct DecodingTests {
  @Test func `there are fixtures`() { #expect(Fixture.files.count >= 64) }

  @Test(arguments: Fixture.files)
  func `pixels equal Pillow's`(_ name: String) throws {
    let image = try ByteImage(path: Fixture.path(name))
    let stop = try #require(name.lastIndex(of: "."))
    let expected = try Fixture.ppm(name[..<stop] + ".ppm")
    #expect((image.width, image.height) == (expected.width, expected.height))
    let difference = Difference(image, expected)
    // Pillow brings its own libjpeg-turbo, whose rounding may differ from the system's.
    let isJPEG = name.contains("jpeg") || name.hasSuffix(".jpg")
    #expect(difference.largest <= (isJPEG ? 1 : 0), "\(difference)")
  }

  @Test func `gray is Pillow's luma`() throws {
    let gray = try ByteImage(path: Fixture.path("png-rgb.png"), channels: 1)
    #expect(gray.converted(toChannels: 3) == (try Fixture.ppm("png-rgb-luma.ppm")))
  }

  @Test(arguments: Fixture.files)
  func `a header tells the size that decoding gives`(_ name: String) throws {
    let file = try EncodedImage(path: Fixture.path(name))
    let image = try file.decoded(channels: 1)
    #expect(file.size == PixelSize(width: image.width, height: image.height))
    #expect(image.channels == 1)
  }

  @Test(arguments: Fixture.files)
  func `a part equals that part of the whole`(_ name: String) throws {
    let file = try EncodedImage(path: Fixture.path(name))
    let scratch = DecoderScratch()
    var random = SampleRandom(seed: 1)
    for eighths in [8, 4, 2, 1] {
      let size = file.size(eighths: eighths)
      let whole = try file.decoded(
        PixelRectangle(width: size.width, height: size.height), eighths: eighths, channels: 3)
      for _ in 0..<40 {
        let x = random.integer(below: size.width)
        let y = random.integer(below: size.height)
        let part = PixelRectangle(
          x: x, y: y, width: 1 + random.integer(below: size.width - x),
          height: 1 + random.integer(below: size.height - y))
        let decoded = try file.decoded(part, eighths: eighths, channels: 3)
        #expect(decoded == whole.cropped(to: part), "\(part) at \(eighths)/8")
        guard file.decodesRows(channels: 3) else { continue }
        let rows = try file.decodeRows(part, eighths: eighths, scratch: scratch)
        #expect(rows.image.converted(toChannels: 3) == decoded, "rows of \(part)")
      }
    }
  }

  @Test func `a smaller version is the picture, smaller`() throws {
    let file = try EncodedImage(path: Fixture.path("jpeg-444.jpg"))
    let half = try file.decoded(
      PixelRectangle(width: 19, height: 15), eighths: 4, channels: 3)
    let resized = try file.decoded().resized(
      to: PixelSize(width: 19, height: 15), filter: .bilinear)
    let gap = zip(half.pixels, resized.pixels).map { abs(Int($0) - Int($1)) }.reduce(0, +)
    #expect(Double(gap) / Double(half.pixels.count) < 8)
  }

  @Test(arguments: ImageOrientation.allCases)
  func `a shown rectangle is stored where its pixels are`(_ orientation: ImageOrientation) {
    let stored = testPattern(width: 7, height: 5)
    let size = PixelSize(width: 7, height: 5)
    let shown = stored.oriented(orientation)
    let rectangle = PixelRectangle(x: 1, y: 2, width: 3, height: 2)
    let part = stored.cropped(to: orientation.stored(rectangle, in: size))
    #expect(part.oriented(orientation) == shown.cropped(to: rectangle))
  }

  @Test(arguments: ImageOrientation.allCases, [1, 3])
  func `a large picture is turned pixel by pixel`(_ orientation: ImageOrientation, channels: Int) {
    let size = PixelSize(width: 71, height: 45)
    let stored = testPattern(width: size.width, height: size.height, channels: channels)
    let shown = stored.oriented(orientation)
    var wrong = 0
    for y in 0..<shown.height {
      for x in 0..<shown.width {
        let from = orientation.stored(x: x, y: y, in: size)
        for c in 0..<channels where shown[x, y, c] != stored[from.x, from.y, c] { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  @Test func `PNG round trip`() throws {
    for channels in [1, 3] {
      let image = testPattern(width: 13, height: 9, channels: channels)
      let encoded = try image.encodedAsPNG()
      #expect(try ByteImage(decoding: encoded, channels: channels) == image)
      #expect(try image.encodedAsPNG() == encoded)
    }
  }
}

extension PixelRows {
  /// A copy as an image.
  fileprivate var image: ByteImage {
    let bytes = (0..<height).flatMap { y in
      UnsafeBufferPointer(start: first + y * stride, count: width * channels)
    }
    return ByteImage(width: width, height: height, channels: channels, pixels: bytes)
  }
}
