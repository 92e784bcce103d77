import TestSupport
import Testing

@testable import Imaging

/// Samples of 16 bits as bytes.
@Suite struct ValueRangeTests {
  private static let ramp = (0..<65536).map { UInt16($0) }

  /// What a sample becomes, by the definition.
  private func byte(_ sample: UInt16, _ range: ClosedRange<Int>) -> UInt8 {
    let share = Double(Int(sample) - range.lowerBound) / Double(range.upperBound - range.lowerBound)
    return UInt8(min(max((share * 255 + 0.5).rounded(.down), 0), 255))
  }

  private func file(_ bytes: [UInt8], _ range: ClosedRange<Int>? = nil) throws -> EncodedImage {
    var file = try EncodedImage(bytes: bytes)
    if let range { file.valueRange = range }
    return file
  }

  @Test func `of a ramp through all values the upper 8 bits are kept`() throws {
    for bytes in [
      SixteenBitFile.png(Self.ramp, width: 256, height: 256),
      SixteenBitFile.tiff(Self.ramp, width: 256, height: 256),
    ] {
      let file = try file(bytes)
      #expect(try file.decoded(channels: 1).pixels == Self.ramp.map { UInt8($0 >> 8) })
      #expect(file.bitsPerSample == 16)
      #expect(try file.usedValues() == 0...65535)
    }
  }

  @Test(arguments: [0...4095, 0...65535, 1000...1001, 300...60_000])
  func `two values become black and white, and those between in proportion`(
    _ range: ClosedRange<Int>
  ) throws {
    let expected = Self.ramp.map { byte($0, range) }
    for bytes in [
      SixteenBitFile.png(Self.ramp, width: 256, height: 256),
      SixteenBitFile.tiff(Self.ramp, width: 256, height: 256),
    ] {
      #expect(try file(bytes, range).decoded(channels: 1).pixels == expected)
    }
  }

  @Test func `colour, alpha and passes`() throws {
    let color: [UInt16] = [0, 4095, 2048, 1000, 100, 9999]
    let bytes = color.map { byte($0, 0...4095) }
    for encoded in [
      SixteenBitFile.png(color, width: 2, height: 1, channels: 3),
      SixteenBitFile.tiff(color, width: 2, height: 1, channels: 3),
    ] {
      let image = try file(encoded, 0...4095)
      #expect(try image.decoded().pixels == bytes)
      #expect(try image.usedValues() == 0...9999)
    }
    // Alpha is no value.
    let transparent: [UInt16] = [0, 4095, 2048, 65535, 1000, 100, 3000, 60000]
    let shown = [0, 4095, 2048, 1000, 100, 3000].map { byte($0, 0...4095) }
    for encoded in [
      SixteenBitFile.png(transparent, width: 2, height: 1, channels: 4),
      SixteenBitFile.tiff(transparent, width: 2, height: 1, channels: 4, extra: [338: 2]),
    ] {
      let image = try file(encoded, 0...4095)
      #expect(try image.decoded().pixels == shown)
      #expect(try image.usedValues() == 0...4095)
    }
    let gray = SixteenBitFile.png([500, 65535, 600, 0], width: 2, height: 1, channels: 2)
    #expect(try file(gray).usedValues() == 500...600)
    // Two of the seven passes have a pixel each.
    let interlaced = SixteenBitFile.png(
      scanlines: [0, 0x0F, 0xFF, 0, 0x08, 0x00], width: 2, height: 1, channels: 1, interlaced: true)
    #expect(try file(interlaced, 0...4095).decoded(channels: 1).pixels == [255, 128])
    #expect(try file(interlaced).decoded(channels: 1).pixels == [0x0F, 0x08])
  }

  @Test func `premultiplied colours are divided by all of alpha`() throws {
    // Half of 4095 at half of full alpha.
    let samples: [UInt16] = [1024, 1024, 1024, 32768, 4095, 0, 4095, 65535]
    let bytes = SixteenBitFile.tiff(samples, width: 2, height: 1, channels: 4, extra: [338: 1])
    let pixels = try file(bytes, 0...4095).decoded().pixels
    #expect(pixels[0] == UInt8(64 * 255 / 128) && pixels[3...] == [255, 0, 255])
  }

  @Test func `files of 8 bits stay what they are`() throws {
    for name in ["png-rgb.png", "jpeg-420.jpg", "webp-lossy.webp", "tiff-lzw.tif"] {
      var file = try EncodedImage(path: Fixture.path(name))
      let image = try file.decoded()
      file.valueRange = 0...4095
      #expect(try file.decoded() == image && file.bitsPerSample == 8, "\(name)")
      #expect(try file.usedValues() == nil, "\(name)")
    }
  }

  @Test func `a transform decodes by its range, whole images to be kept too`() throws {
    let samples = (0..<64).map { UInt16($0 * 65) }
    let content = ImageContent.encoded(
      try file(SixteenBitFile.png(samples, width: 8, height: 8)))
    var transform = ImageTransform(
      .identity, size: PixelSize(width: 8, height: 8),
      normalization: PixelNormalization(mean: [0], std: [1]))
    transform.valueRange = 0...4095
    let expected = samples.map { byte($0, 0...4095) }
    var random = SampleRandom(seed: 0)
    #expect(try transform.image(of: content, using: &random).pixels == expected)
    var planes = [UInt8](repeating: 0, count: 64)
    try transform.write(content, using: &random, into: &planes)
    #expect(planes == expected)
    let whole = try transform.decodedWhole(content, scratch: DecoderScratch())
    #expect(whole.pixels.pixels == expected)
  }

  @Test(
    arguments: [
      ([258: 32, 339: 2], "signed whole numbers of 32 bits"),
      ([258: 16, 339: 2], "signed whole numbers of 16 bits"),
      ([258: 32, 339: 3], "floating-point numbers of 32 bits"),
      ([258: 32], "its samples have 32 bits"),
      ([258: 12], "its samples have 12 bits"),
    ] as [([Int: Int], String)])
  func `samples that are not read are called what they are`(tags: [Int: Int], words: String) throws
  {
    let file = try file(
      SixteenBitFile.tiff([1, 2, 3, 4, 5, 6, 7, 8], width: 2, height: 2, extra: tags))
    let error = #expect(throws: ImageError.self) { try file.decoded() }
    #expect(error?.kind == .unsupported)
    #expect(error?.reason.contains(words) == true, "\(error?.reason ?? "")")
    #expect(
      error?.reason.hasSuffix(
        "expected numbers from 0 on of 1 to 8 or 16 bits); convert it"
          + (tags[258] == 12 ? "" : ", or read its samples as they are with data.channels=all"))
        == true,
      "\(error?.reason ?? "")")
  }
}
