import FileSystem
import CZlib
import Imaging

/// Where the images of one shard lie, in one block of bytes that is also the sidecar file's
/// content.
///
/// 20 bytes an image and its name. The layout, little-endian: 8 bytes "MAEINDX1", the archive's
/// size (8), number of images (8), bytes of names (8), bytes of class names (8), a fingerprint of
/// the archive (4), CRC-32 of all that follows (4); then for each image its offset (8; the upper 4
/// bits say how it is packed), size (4), class or −1 (4) and the end of its name (4); the names;
/// the classes' names, one a line. Where a class's name has a line break or a backslash, or the
/// only one is empty, the file begins with "MAEINDX2": each name ends with a line break, and those
/// in a name are `\n`, backslashes `\\`.
struct ShardIndex: Sendable {
  /// One image.
  struct Entry: Hashable {
    var offset: Int
    var size: Int
    var label: Int32
    var packing: Packing
    var name: String
  }

  /// Most bytes of one image.
  static let largestImage = Int(UInt32.max)
  static let headerBytes = 48
  private static let magic = Array("MAEINDX1".utf8)
  private static let escapedMagic = Array("MAEINDX2".utf8)

  let bytes: [UInt8]
  /// What of the archive is not used, where it was read and no sidecar file, a sentence each.
  var notes: [String] = []
  let count: Int
  private let nameBytes: Int

  /// Packs entries.
  ///
  /// - Parameter fingerprint: of the archive.
  init(
    _ entries: [Entry], archiveSize: Int, fingerprint: UInt32, classes: [String]?
  ) {
    var ends: [UInt32] = []
    var names: [UInt8] = []
    for entry in entries {
      names += entry.name.utf8
      ends.append(UInt32(names.count))
    }
    let classLines = classes ?? []
    let isEscaped =
      classLines == [""] || classLines.contains { $0.utf8.contains { $0 == 0x0A || $0 == 0x5C } }
    let classNames =
      isEscaped
      ? classLines.flatMap { escapedLine($0) } : Array(classLines.joined(separator: "\n").utf8)
    var body: [UInt8] = []
    body.reserveCapacity(entries.count * 20 + names.count + classNames.count)
    for entry in entries {
      body.append(UInt64(entry.offset) | UInt64(entry.packing.rawValue) << 60)
    }
    for entry in entries { body.append(UInt32(entry.size)) }
    for entry in entries { body.append(UInt32(bitPattern: entry.label)) }
    for end in ends { body.append(end) }
    body += names
    body += classNames
    var bytes = isEscaped ? Self.escapedMagic : Self.magic
    bytes.append(UInt64(archiveSize))
    bytes.append(UInt64(entries.count))
    bytes.append(UInt64(names.count))
    bytes.append(UInt64(classNames.count))
    bytes.append(fingerprint)
    bytes.append(checksum(body))
    self.bytes = bytes + body
    count = entries.count
    nameBytes = names.count
  }

  /// Reads and checks a sidecar file.
  init(path: String) throws(FileError) {
    try self.init(wholeFile(path, limit: 1 << 40))
  }

  /// Checks the content of a sidecar file.
  init(_ bytes: [UInt8]) throws(FileError) {
    func damaged(_ what: String) -> FileError {
      FileError(.malformed, "is a damaged index of a shard (\(what)); delete it")
    }
    guard bytes.count >= Self.headerBytes,
      bytes.starts(with: Self.magic) || bytes.starts(with: Self.escapedMagic)
    else {
      throw damaged("it has no header")
    }
    func long(_ offset: Int) -> Int? { Int(exactly: bytes.word(offset, UInt64.self)) }
    let limit = bytes.count
    guard let size = long(8), let count = long(16), let names = long(24), let classes = long(32),
      count <= limit, names <= limit, classes <= limit,
      Self.headerBytes + 20 * count + names + classes == limit
    else { throw damaged("its size is wrong") }
    guard checksum(bytes[Self.headerBytes...]) == bytes.word(44, UInt32.self) else {
      throw damaged("its checksum is wrong")
    }
    self.bytes = bytes
    self.count = count
    nameBytes = names
    guard isSound(archiveSize: size) else { throw damaged("an entry lies outside the shard") }
  }

  /// Bytes of the archive that the index is of.
  var archiveSize: Int { Int(bytes.word(8, UInt64.self)) }
  /// The archive's fingerprint.
  var fingerprint: UInt32 { bytes.word(40, UInt32.self) }
  /// The names of the classes; nil where there are none, or only their numbers.
  var classes: [String]? {
    let start = Self.headerBytes + 20 * count + nameBytes
    guard start < bytes.count else { return nil }
    if bytes.starts(with: Self.escapedMagic) {
      let ended = bytes.last == 0x0A ? bytes[start..<(bytes.count - 1)] : bytes[start...]
      return ended.split(separator: 0x0A, omittingEmptySubsequences: false).map(unescapedLine)
    }
    return bytes[start...].split(separator: 0x0A, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// The class of an image; −1 where it has none.
  func label(_ i: Int) -> Int32 {
    Int32(bitPattern: bytes.word(Self.headerBytes + 12 * count + 4 * i, UInt32.self))
  }

  /// What an image is called.
  func name(_ i: Int) -> String {
    let names = Self.headerBytes + 20 * count
    let start = i == 0 ? 0 : end(i - 1)
    return String(decoding: bytes[names + start..<names + end(i)], as: UTF8.self)
  }

  /// Where an image is.
  func place(_ i: Int) -> (offset: Int, size: Int, packing: Packing) {
    let word = bytes.word(Self.headerBytes + 8 * i, UInt64.self)
    return (
      Int(word & (1 << 60 - 1)), Int(bytes.word(Self.headerBytes + 8 * count + 4 * i, UInt32.self)),
      Packing(rawValue: UInt8(word >> 60)) ?? .none
    )
  }

  private func end(_ i: Int) -> Int {
    Int(bytes.word(Self.headerBytes + 16 * count + 4 * i, UInt32.self))
  }

  /// Whether every image lies in the archive and every name in the names.
  private func isSound(archiveSize: Int) -> Bool {
    bytes.withUnsafeBytes { raw in
      func word<Word: FixedWidthInteger>(_ offset: Int, _: Word.Type) -> Word {
        Word(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: Word.self))
      }
      let base = Self.headerBytes
      var lastEnd = 0
      for i in 0..<count {
        let place = word(base + 8 * i, UInt64.self)
        let size = Int(word(base + 8 * count + 4 * i, UInt32.self))
        let end = Int(word(base + 16 * count + 4 * i, UInt32.self))
        guard Int(place & (1 << 60 - 1)) <= archiveSize - size, place >> 60 < 3,
          end >= lastEnd, end <= nameBytes
        else { return false }
        lastEnd = end
      }
      return lastEnd == nameBytes
    }
  }
}

/// A name as a line that ends with a line break and has none before.
private func escapedLine(_ name: String) -> [UInt8] {
  var line: [UInt8] = []
  for byte in name.utf8 {
    switch byte {
    case 0x0A: line += Array("\\n".utf8)
    case 0x5C: line += Array("\\\\".utf8)
    default: line.append(byte)
    }
  }
  return line + [0x0A]
}

/// The name that a line without its end stands for.
private func unescapedLine(_ line: ArraySlice<UInt8>) -> String {
  var name: [UInt8] = []
  var rest = line
  while let byte = rest.popFirst() {
    if byte == 0x5C, let next = rest.popFirst() {
      name.append(next == UInt8(ascii: "n") ? 0x0A : next)
    } else {
      name.append(byte)
    }
  }
  return String(decoding: name, as: UTF8.self)
}

extension [UInt8] {
  fileprivate mutating func append(_ word: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: word.littleEndian) { append(contentsOf: $0) }
  }

  fileprivate func word<Word: FixedWidthInteger>(_ offset: Int, _: Word.Type) -> Word {
    withUnsafeBytes {
      Word(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Word.self))
    }
  }
}

/// CRC-32.
func checksum(_ bytes: some Collection<UInt8>) -> UInt32 {
  let sum: UInt? = bytes.withContiguousStorageIfAvailable { bytes in
    // In parts, because zlib counts in 32 bits.
    var sum = crc32(0, nil, 0)
    var done = 0
    while done < bytes.count {
      let part = Swift.min(bytes.count - done, 1 << 30)
      sum = crc32(sum, bytes.baseAddress.map { $0 + done }, UInt32(part))
      done += part
    }
    return UInt(sum)
  }
  return UInt32(truncatingIfNeeded: sum ?? UInt(checksum(Array(bytes))))
}
