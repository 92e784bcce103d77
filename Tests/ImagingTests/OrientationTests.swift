import Testing

@testable import Imaging

/// The eight orientations of EXIF in every format.
@Suite struct OrientationTests {
  /// The TIFF structure that EXIF is, with tag 0x0112 alone.
  private func exif(_ orientation: ImageOrientation, bigEndian: Bool) -> [UInt8] {
    let value = UInt8(orientation.rawValue)
    return bigEndian
      ? Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, value]
        + [0, 0, 0, 0, 0, 0]
      : Array("II".utf8) + [42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, value, 0]
        + [0, 0, 0, 0, 0, 0]
  }

  @Test(arguments: ImageOrientation.allCases, ImageFormat.pictures)
  func `a picture is shown upright`(_ orientation: ImageOrientation, format: ImageFormat) throws {
    for bigEndian in [false, true] {
      let exif = exif(orientation, bigEndian: bigEndian)
      let plain: [UInt8]
      let turned: [UInt8]
      switch format {
      case .jpeg:
        plain = try Fixture.bytes("jpeg-444.jpg")
        turned =
          plain[..<2] + Forged.segment(0xE1, Array("Exif\0\0".utf8) + exif) + plain[2...]
      case .png:
        plain = try Fixture.bytes("png-rgb.png")
        turned = Forged.png(plain, with: "eXIf", exif)
      case .webp:
        plain = try Fixture.bytes("webp-lossless.webp")
        turned = Forged.webp(plain, with: "EXIF", exif)
      case .tiff:
        var tags = Forged.grayTags(width: 5, height: 3)
        let pixels = (0..<15).map { UInt8($0 * 16) }
        plain = Forged.tiff(tags, parts: [pixels])
        tags[274] = [orientation.rawValue]
        turned = Forged.tiff(tags, parts: [pixels])
      case .npy: return
      }
      let stored = try EncodedImage(bytes: plain)
      let file = try EncodedImage(bytes: turned)
      #expect(file.format == format && file.orientation == orientation)
      #expect(stored.orientation == .upright && stored.size.width != stored.size.height)
      #expect(file.size == orientation.shown(stored.size))
      #expect(try file.decoded() == stored.decoded().oriented(orientation))
    }
  }
}
