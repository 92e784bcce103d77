import Foundation

/// An archive of photographs of 110 KB that has a size and no content, and the index beside it.
///
/// The index is written here from the layout that `ShardIndex` of `Datasets` documents, so that no
/// archive of a terabyte has to be read for it. A set that opens shows that the two agree.
struct MadeUpShard {
  /// Its place in the set.
  let number: Int
  /// Images in it.
  let images: Int

  private static let imageBytes = 110_000
  /// From one image to the next: a header and the image, in blocks of 512 bytes, and a label's
  /// file.
  private static let step = 112_640 + 1024

  /// Writes `path` and `path.index`.
  func write(to path: String) throws {
    let size = (images + 1) * Self.step
    try Data().write(to: URL(fileURLWithPath: path))
    let archive = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try archive.truncate(atOffset: UInt64(size))
    try archive.close()
    try index(archiveSize: size).write(to: URL(fileURLWithPath: path + ".index"))
  }

  /// The index: 8 bytes of format, sizes, two checksums; offsets, sizes, classes and ends of names;
  /// names.
  private func index(archiveSize: Int) -> Data {
    var names: [UInt8] = []
    var ends: [UInt32] = []
    for i in 0..<images {
      names += "n\(10_000_000 + i % 1000)_\(number * images + i).jpg".utf8
      ends.append(UInt32(names.count))
    }
    var body: [UInt8] = []
    body.reserveCapacity(images * 20 + names.count)
    for i in 0..<images { body.append(word: UInt64(i * Self.step + 512)) }
    for _ in 0..<images { body.append(word: UInt32(Self.imageBytes)) }
    for i in 0..<images { body.append(word: UInt32(i % 1000)) }
    for end in ends { body.append(word: end) }
    body += names
    var header = Array("MAEINDX1".utf8)
    for count in [archiveSize, images, names.count, 0] { header.append(word: UInt64(count)) }
    // The fingerprint is of the archive's first 4096 bytes and the last image's header: zeros here.
    header.append(word: crc32([UInt8](repeating: 0, count: 4096 + 512)))
    header.append(word: crc32(body))
    return Data(header + body)
  }
}

extension [UInt8] {
  fileprivate mutating func append(word: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: word.littleEndian) { append(contentsOf: $0) }
  }
}

/// CRC-32, as zlib and Ethernet have it.
func crc32(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~0) { crc32Table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
}

private let crc32Table: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? rest >> 1 ^ 0xEDB8_8320 : rest >> 1 }
}
