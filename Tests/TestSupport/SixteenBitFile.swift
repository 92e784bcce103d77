/// Image files with 16 bits a sample, not packed.
package enum SixteenBitFile {
  /// A PNG file.
  ///
  /// - Parameter channels: 1 gray, 2 gray and alpha, 3 colour, 4 colour and alpha.
  package static func png(
    _ samples: [UInt16], width: Int, height: Int, channels: Int = 1
  ) -> [UInt8] {
    let row = width * channels
    var rows: [UInt8] = []
    for y in 0..<height {
      rows.append(0)
      for sample in samples[y * row..<(y + 1) * row] { rows += bigEndian(Int(sample), bytes: 2) }
    }
    return png(scanlines: rows, width: width, height: height, channels: channels, interlaced: false)
  }

  /// A PNG file of the bytes that its rows have, the filter before each.
  package static func png(
    scanlines: [UInt8], width: Int, height: Int, channels: Int, interlaced: Bool
  ) -> [UInt8] {
    let kind: UInt8 = [0, 0, 4, 2, 6][channels]
    let header =
      bigEndian(width, bytes: 4) + bigEndian(height, bytes: 4)
      + [16, kind, 0, 0, interlaced ? 1 : 0]
    var data: [UInt8] = [0x78, 0x01]
    var (a, b) = (1, 0)
    for byte in scanlines {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    for start in stride(from: 0, to: scanlines.count, by: 65535) {
      let part = scanlines[start..<min(start + 65535, scanlines.count)]
      data.append(part.endIndex == scanlines.count ? 1 : 0)
      data += bigEndian(part.count, bytes: 2).reversed()
      data += bigEndian(~part.count, bytes: 2).reversed()
      data += part
    }
    data += bigEndian(b, bytes: 2) + bigEndian(a, bytes: 2)
    return [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10] + chunk("IHDR", header) + chunk("IDAT", data)
      + chunk("IEND", [])
  }

  /// A little-endian gray or RGB TIFF file in one strip.
  ///
  /// - Parameter extra: TIFF tags beside the necessary ones, with their values.
  package static func tiff(
    _ samples: [UInt16], width: Int, height: Int, channels: Int = 1, extra: [Int: Int] = [:]
  ) -> [UInt8] {
    let pixels = samples.flatMap { bigEndian(Int($0), bytes: 2).reversed() }
    // Values of several samples may be one, for all of them.
    var tags = [
      256: width, 257: height, 258: 16, 259: 1, 262: channels < 3 ? 1 : 2, 273: 8, 277: channels,
      278: height, 279: pixels.count,
    ]
    tags.merge(extra) { $1 }
    var bytes: [UInt8] = Array("II*\0".utf8) + littleEndian(8 + pixels.count) + pixels
    bytes += bigEndian(tags.count, bytes: 2).reversed()
    for (tag, value) in tags.sorted(by: { $0.key < $1.key }) {
      bytes += bigEndian(tag, bytes: 2).reversed() + [4, 0] + littleEndian(1) + littleEndian(value)
    }
    return bytes + [0, 0, 0, 0]
  }

  private static func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + content
    let sum = ~body.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
        sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320)
      }
    }
    return bigEndian(content.count, bytes: 4) + body + bigEndian(Int(sum), bytes: 4)
  }

  private static func littleEndian(_ number: Int) -> [UInt8] {
    bigEndian(number, bytes: 4).reversed()
  }

  private static func bigEndian(_ number: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
