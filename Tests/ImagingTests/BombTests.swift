import Testing

@testable import Imaging

/// Files that would cost much more than their size lets expect.
@Suite struct BombTests {
  func refusal(
    _ bytes: [UInt8], _ limits: ImageLimits = .standard
  ) -> (kind: ImageError.Kind, reason: String)? {
    do throws(ImageError) {
      _ = try ByteImage(decoding: bytes, limits: limits)
      return nil
    } catch {
      return (error.kind, error.reason)
    }
  }

  // MARK: JPEG

  @Test func `scans are bounded by what they go through`() throws {
    // Each scan of 12 bytes goes through 16,384 blocks; 4 MiB hold 32,768, ten times over.
    let limits = ImageLimits(workingBytes: 4 << 20)
    for scans in [2, 19, 21, 60] {
      let found = refusal(Forged.progressiveJPEG(width: 1024, height: 1024, scans: scans), limits)
      if scans < 20 {
        #expect(found == nil, "\(scans) scans: \(found?.reason ?? "")")
      } else {
        #expect(found?.kind == .tooLarge)
        #expect(found?.reason.contains("too many scans for its size") == true)
      }
    }
  }

  @Test func `scans are bounded in number`() {
    let many = Forged.progressiveJPEG(width: 8, height: 8, scans: 101)
    #expect(refusal(many)?.reason.contains("more than 100 scans") == true)
    #expect(refusal(Forged.progressiveJPEG(width: 8, height: 8, scans: 100)) == nil)
  }

  @Test func `the largest picture that is allowed has room for its scans`() {
    let limits = ImageLimits.standard
    // Chroma at half the resolution: 1.5 blocks for each 64 pixels, ten scans.
    #expect(limits.scanBlocks > limits.pixels / 64 * 3 / 2 * 10)
    #expect(limits.workingBytes + 3 * limits.pixels < 1 << 30)
    #expect(2 * 3 * limits.pixels < 1 << 30)
  }

  // MARK: metadata

  /// What libpng would have to unpack: 16 MiB in 16 KiB.
  static let packedZeros: [UInt8] = {
    let rows = ByteImage(width: 4096, height: 4095, channels: 1) { $0.initialize(repeating: 0) }
    let file = (try? rows.encodedAsPNG(compression: 9)) ?? []
    // The only chunk of pixels, after 33 bytes of header and its own 8.
    let start = 33
    let count = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    return Array(file[start + 8..<start + 8 + count])
  }()

  @Test(arguments: ["iCCP", "zTXt", "iTXt", "tEXt", "eXIf", "abCd"])
  func `chunks beside the picture do not matter`(_ kind: String) throws {
    let file = try Fixture.bytes("png-rgb.png")
    var content: [UInt8] = Array("name".utf8) + [0, 0]
    if kind == "iTXt" { content = Array("name".utf8) + [0, 1, 0, 0, 0] }
    let large = Forged.png(file, with: kind, content + Self.packedZeros)
    #expect(try ByteImage(decoding: large) == ByteImage(decoding: file))
  }

  @Test func `profiles and comments of a JPEG file are skipped`() throws {
    let file = try Fixture.bytes("jpeg-444.jpg")
    let content = [UInt8](repeating: 0xFF, count: 65_533)
    let profile = Forged.segment(0xE2, Array("ICC_PROFILE\0".utf8) + content.dropLast(12))
    let comment = Forged.segment(0xFE, content)
    let large =
      file[..<2] + Array(repeatElement(profile + comment, count: 10).joined()) + file[2...]
    #expect(try ByteImage(decoding: Array(large)) == ByteImage(decoding: file))
  }

  @Test func `EXIF of a WebP file is found behind a chunk of odd length`() throws {
    var file = try Fixture.bytes("webp-exif-6.webp")
    file.insert(contentsOf: Array("JUNK".utf8) + [3, 0, 0, 0, 1, 2, 3, 0], at: 30)
    file.replaceSubrange(4..<8, with: Forged.littleEndian(file.count - 8, bytes: 4))
    #expect(try EncodedImage(bytes: file).orientation == .rotated90)
  }

  @Test func `a WebP file cut short is refused by its header`() throws {
    let file = try Fixture.bytes("webp-exif-6.webp")
    let error = #expect(throws: ImageError.self) {
      try EncodedImage(bytes: Array(file.dropLast(3)))
    }
    #expect(error?.kind == .truncated)
  }

  @Test(arguments: ["ICCP", "XMP ", "EXIF", "JUNK"])
  func `chunks beside a WebP picture are skipped`(_ kind: String) throws {
    let file = try Fixture.bytes("webp-exif-6.webp")
    let large = Forged.webp(file, with: kind, [UInt8](repeating: 0x49, count: 5_000_001))
    #expect(try ByteImage(decoding: large) == ByteImage(decoding: file))
  }

  @Test func `directories without an end are read to where they end`() throws {
    // EXIF of 64 KB that says to have 65,535 tags, none of which is an orientation.
    let header: [UInt8] = Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 0xFF, 0xFF]
    let exif = Forged.segment(0xE1, header + [UInt8](repeating: 1, count: 65_000))
    let file = try Fixture.bytes("jpeg-444.jpg")
    let large = Array(file[..<2] + exif + file[2...])
    #expect(try ByteImage(decoding: large) == ByteImage(decoding: file))
    #expect(try EncodedImage(bytes: large).orientation == .upright)
  }

  // MARK: TIFF

  @Test func `tags that share their values are refused`() throws {
    var tags = Forged.grayTags(width: 2, height: 2)
    #expect(refusal(Forged.tiff(tags, parts: [[1, 2, 3, 4]])) == nil)
    // Private tags of 400 bytes each are fine as long as the file has as many.
    for tag in 40_000..<40_010 { tags[tag] = [Int](repeating: tag, count: 100) }
    let whole = Forged.tiff(tags, parts: [[1, 2, 3, 4]])
    #expect(refusal(whole) == nil)
    // All of them say that their values are those of the first.
    var shared = whole
    let directory = shared[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    for entry in 0..<tags.count {
      let at = directory + 2 + 12 * entry
      let tag = Int(shared[at]) | Int(shared[at + 1]) << 8
      if tag >= 40_000 {
        shared.replaceSubrange(
          at + 4..<at + 12, with: Forged.littleEndian(500, bytes: 4) + [12, 0, 0, 0])
      }
    }
    #expect(refusal(shared)?.reason.contains("its tags overlap") == true)
    let beyond = Array(whole.prefix(8)) + whole.dropFirst(8).dropLast(200)
    #expect(refusal(Array(beyond))?.kind == .truncated)
  }

  @Test func `strips that share their bytes are refused`() {
    var tags = Forged.grayTags(width: 2, height: 4)
    tags[278] = [1]
    let parts: [[UInt8]] = [[1, 2], [3, 4], [5, 6], [7, 8]]
    #expect(refusal(Forged.tiff(tags, parts: parts)) == nil)
    let padding = [UInt8](repeating: 0, count: 100)
    let shared = Forged.tiff(
      tags, parts: parts + [padding], places: [8, 8, 8, 8], counts: [100, 100, 100, 100])
    #expect(refusal(shared)?.reason.contains("parts of the picture overlap") == true)
  }

  @Test(arguments: ["tiff-fax4.tif", "tiff-fax3.tif", "tiff-jpeg-gray.tif", "tiff-lzw.tif"])
  func `a strip that ends before its rows do is refused`(_ name: String) throws {
    var bytes = try Fixture.bytes(name)
    let directory = bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    for entry in 0..<Int(bytes[directory]) {
      let at = directory + 2 + 12 * entry
      // The count of bytes of the only strip becomes two thirds; the file stays whole.
      guard Int(bytes[at]) | Int(bytes[at + 1]) << 8 == 279 else { continue }
      let count = Int(bytes[at + 8]) | Int(bytes[at + 9]) << 8
      bytes.replaceSubrange(at + 8..<at + 10, with: Forged.littleEndian(count * 2 / 3, bytes: 2))
    }
    #expect(try bytes != Fixture.bytes(name))
    #expect(refusal(bytes) != nil)
  }

  @Test func `tiles much larger than the picture are refused`() {
    var tags = Forged.grayTags(width: 5, height: 5)
    tags[278] = nil
    for (side, isRead) in [(16, true), (8192, false), (1 << 24, false)] {
      tags[322] = [side]
      tags[323] = [side]
      let tile = side == 16 ? [UInt8](repeating: 9, count: 256) : [0]
      let found = refusal(Forged.tiff(tags, parts: [tile]))
      #expect((found == nil) == isRead)
      if !isRead { #expect(found?.kind == .tooLarge, "\(found?.reason ?? "")") }
    }
  }

  @Test func `a progressive picture in a strip is refused`() throws {
    var tags = Forged.grayTags(width: 16, height: 16)
    tags[259] = [7]
    let part = Forged.progressiveJPEG(width: 16, height: 16, scans: 3)
    let found = refusal(Forged.tiff(tags, parts: [part]))
    #expect(found?.kind == .unsupported)
    #expect(found?.reason.contains("JPEG that is not sequential") == true)
    let sequential = try testPattern(width: 16, height: 16, channels: 1).encodedAsJPEG()
    #expect(refusal(Forged.tiff(tags, parts: [sequential])) == nil)
    // Segments without end before the picture.
    let padded =
      sequential[..<2] + Array(repeatElement(Forged.segment(0xFE, []), count: 100).joined())
    #expect(refusal(Forged.tiff(tags, parts: [Array(padded + sequential[2...])])) != nil)
  }

  @Test(arguments: [
    (259, 6, "compression 6"), (259, 34925, "compression 34925"), (259, 34887, "compression 34887"),
    (262, 8, "colour space 8"), (262, 32803, "colour space 32803"),
    (339, 3, "floating-point numbers"), (258, 32, "32 bits"),
    (258, 3, "3 bits"), (277, 9, "9 samples"),
  ])
  func `other kinds of TIFF are named`(_ tag: Int, _ value: Int, _ reason: String) {
    var tags = Forged.grayTags(width: 2, height: 2)
    tags[tag] = [value]
    let found = refusal(Forged.tiff(tags, parts: [[UInt8](repeating: 0, count: 64)]))
    #expect(found?.kind == .unsupported)
    #expect(found?.reason.contains(reason) == true, "\(found?.reason ?? "none")")
  }

  @Test func `YCbCr is read where libjpeg converts it`() {
    var tags = Forged.grayTags(width: 2, height: 2)
    tags[258] = [8, 8, 8]
    tags[262] = [6]
    tags[277] = [3]
    let found = refusal(Forged.tiff(tags, parts: [[UInt8](repeating: 0, count: 64)]))
    #expect(found?.reason.contains("YCbCr that is not JPEG") == true, "\(found?.reason ?? "none")")
  }

  @Test func `a TIFF file without what it must say is refused`() {
    for tag in [256, 257, 262] {
      var tags = Forged.grayTags(width: 2, height: 2)
      tags[tag] = nil
      #expect(refusal(Forged.tiff(tags, parts: [[1, 2, 3, 4]]))?.kind == .corrupt)
    }
  }

  // MARK: declared sizes

  @Test func `huge declared sizes of WebP and TIFF are refused at once`() throws {
    let tiff = Forged.tiff(Forged.grayTags(width: 30_000, height: 30_000), parts: [[0]])
    var webp = try Fixture.bytes("webp-animated.webp")
    webp.replaceSubrange(24..<30, with: [0x2F, 0x75, 0, 0x2F, 0x75, 0])
    for bytes in [tiff, webp] {
      let found = refusal(bytes)
      #expect(found?.kind == .tooLarge)
      #expect(found?.reason.contains("30000×30000") == true, "\(found?.reason ?? "none")")
    }
  }

  @Test func `a lossless WebP that needs too much memory is refused`() throws {
    let bytes = try Fixture.bytes("webp-lossless.webp")
    let limits = ImageLimits(workingBytes: 4 * 21 * 17 - 1)
    #expect(refusal(bytes, limits)?.kind == .tooLarge)
    #expect(refusal(bytes, ImageLimits(workingBytes: 4 * 21 * 17)) == nil)
  }
}
