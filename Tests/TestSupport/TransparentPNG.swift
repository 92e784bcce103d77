/// A PNG file of RGB and alpha, which nothing in the project writes: zlib's blocks that pack
/// nothing.
///
/// - Parameter pixel: red, green, blue and alpha at a place.
/// - Precondition: there are fewer than 65,536 bytes.
package func transparentPNG(
  width: Int, height: Int, pixel: (_ x: Int, _ y: Int) -> [UInt8]
) -> [UInt8] {
  var raw: [UInt8] = []
  for y in 0..<height {
    raw.append(0)
    for x in 0..<width { raw += pixel(x, y) }
  }
  precondition(raw.count < 65_536, "\(raw.count) bytes do not fit one block")
  func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
  func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
    let content = Array(name.utf8) + body
    let crc = content.reduce(~0 as UInt32) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in
        rest & 1 == 1 ? rest >> 1 ^ 0xEDB8_8320 : rest >> 1
      }
    }
    return word(body.count) + content + word(Int(~crc))
  }
  var (a, b) = (1, 0)
  for byte in raw {
    a = (a + Int(byte)) % 65_521
    b = (b + a) % 65_521
  }
  let length = [UInt8(raw.count & 255), UInt8(raw.count >> 8)]
  let stored = [0x78, 0x01, 1] + length + length.map { ~$0 } + raw + word(b << 16 | a)
  return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    + chunk("IHDR", word(width) + word(height) + [8, 6, 0, 0, 0]) + chunk("IDAT", stored)
    + chunk("IEND", [])
}

/// A cut-out for composed scenes: a disc (0) or a triangle (1) of 40 × 40 pixels in a shade.
package func cutoutPNG(_ kind: Int, shade: Int) -> [UInt8] {
  transparentPNG(width: 40, height: 40) { x, y in
    let isInside =
      kind == 0
      ? (x - 20) * (x - 20) + (y - 20) * (y - 20) <= 18 * 18 : abs(x - 20) * 2 <= y && y < 38
    return [UInt8(shade & 255), UInt8(kind * 200), 90, isInside ? 255 : 0]
  }
}
