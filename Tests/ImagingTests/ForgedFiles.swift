@testable import Imaging

/// Files as nobody's program writes them.
enum Forged {
  /// A gray progressive JPEG of `scans` scans of a few bytes each, of which every one goes through
  /// all of the picture: runs of blocks without coefficients.
  static func progressiveJPEG(width: Int, height: Int, scans: Int) -> [UInt8] {
    let size = [UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255)]
    var bytes: [UInt8] = [0xFF, 0xD8]
    bytes += segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    bytes += segment(0xC2, [8] + size + [1, 1, 0x11, 0])
    // One code of one bit each: no difference; the end of 2^14 blocks and as many as 14 bits say.
    let table = [UInt8](repeating: 0, count: 15)
    bytes += segment(0xC4, [0x00, 1] + table + [0])
    bytes += segment(0xC4, [0x10, 1] + table + [0xE0])
    let blocks = (width + 7) / 8 * ((height + 7) / 8)
    let runs = (blocks + 32_766) / 32_767
    let bits = Array(
      repeatElement([false] + [Bool](repeating: true, count: 14), count: runs).joined())
    var run = stride(from: 0, to: bits.count, by: 8).map { start in
      (0..<8).reduce(UInt8(0)) { $0 << 1 | (start + $1 >= bits.count || bits[start + $1] ? 1 : 0) }
    }
    run = run.flatMap { $0 == 0xFF ? [0xFF, 0] : [$0] }
    for scan in 0..<scans {
      bytes += segment(0xDA, [1, 1, 0, 1, 63, scan == 0 ? 0x01 : 0x10]) + run
    }
    return bytes + [0xFF, 0xD9]
  }

  /// A marker of a JPEG file with its content.
  static func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
    let length = content.count + 2
    return [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + content
  }

  /// A little-endian TIFF file: `tags` are numbers by tag, `parts` its strips (or tiles, where
  /// there is a tile's width), which come after 8 bytes and before the directory.
  ///
  /// - Parameter places: where the strips are said to be, unless where they are.
  static func tiff(
    _ tags: [Int: [Int]], parts: [[UInt8]], places: [Int]? = nil, counts: [Int]? = nil
  ) -> [UInt8] {
    var bytes: [UInt8] = Array("II*".utf8) + [0, 0, 0, 0, 0]
    var starts: [Int] = []
    for part in parts {
      starts.append(bytes.count)
      bytes += part
    }
    var tags = tags
    let isTiled = tags[322] != nil
    tags[isTiled ? 324 : 273] = places ?? starts
    tags[isTiled ? 325 : 279] = counts ?? parts.map(\.count)
    var entries: [UInt8] = littleEndian(tags.count, bytes: 2)
    for (tag, values) in tags.sorted(by: { $0.key < $1.key }) {
      entries += littleEndian(tag, bytes: 2) + littleEndian(4, bytes: 2)
      entries += littleEndian(values.count, bytes: 4)
      if values.count == 1 {
        entries += littleEndian(values[0], bytes: 4)
      } else {
        entries += littleEndian(bytes.count, bytes: 4)
        bytes += values.flatMap { littleEndian($0, bytes: 4) }
      }
    }
    bytes.replaceSubrange(4..<8, with: littleEndian(bytes.count, bytes: 4))
    return bytes + entries + [0, 0, 0, 0]
  }

  /// The tags of an 8-bit gray TIFF file in one strip, not packed.
  static func grayTags(width: Int, height: Int) -> [Int: [Int]] {
    [256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height]]
  }

  /// A TIFF file of several 8-bit gray pages, each in one strip; its last four bytes are the place of a
  /// directory that is not there.
  static func tiffPages(_ sizes: [(width: Int, height: Int)]) -> [UInt8] {
    var bytes: [UInt8] = Array("II*".utf8) + [0, 0, 0, 0, 0]
    var pointer = 4
    for (number, size) in sizes.enumerated() {
      let start = bytes.count
      bytes += (0..<size.width * size.height).map { UInt8(truncatingIfNeeded: 50 * number + $0) }
      bytes.replaceSubrange(pointer..<pointer + 4, with: littleEndian(bytes.count, bytes: 4))
      var tags = grayTags(width: size.width, height: size.height)
      tags[273] = [start]
      tags[279] = [size.width * size.height]
      bytes += littleEndian(tags.count, bytes: 2)
      for (tag, values) in tags.sorted(by: { $0.key < $1.key }) {
        bytes += littleEndian(tag, bytes: 2) + littleEndian(4, bytes: 2)
        bytes += littleEndian(1, bytes: 4) + littleEndian(values[0], bytes: 4)
      }
      pointer = bytes.count
      bytes += [0, 0, 0, 0]
    }
    return bytes
  }

  /// A PNG file with a chunk after its header.
  static func png(_ file: [UInt8], with kind: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + content
    let sum = ~body.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
        sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320)
      }
    }
    let length = littleEndian(content.count, bytes: 4).reversed()
    return file[..<33] + length + body + littleEndian(Int(sum), bytes: 4).reversed() + file[33...]
  }

  /// A WebP file with a chunk at its end.
  static func webp(_ file: [UInt8], with kind: String, _ content: [UInt8]) -> [UInt8] {
    var bytes = file + kind.utf8 + littleEndian(content.count, bytes: 4) + content
    if content.count % 2 == 1 { bytes.append(0) }
    bytes.replaceSubrange(4..<8, with: littleEndian(bytes.count - 8, bytes: 4))
    return bytes
  }

  static func littleEndian(_ number: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
