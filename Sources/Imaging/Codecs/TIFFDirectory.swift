/// The first directory of a TIFF structure, of a file of its own or of EXIF, read from untrusted
/// bytes.
struct TIFFDirectory {
  /// One tag of it.
  struct Entry {
    var tag: Int
    var type: Int
    /// Number of values.
    var count: Int
    /// Where the values lie.
    var place: Int
    /// Bytes of all values; nil where the type is unknown or the number absurd.
    var length: Int?
    /// Whether the values lie outside the directory.
    var isElsewhere: Bool
  }

  private let bytes: UnsafeRawBufferPointer
  private let isLittleEndian: Bool
  /// Whether offsets have 8 bytes (BigTIFF).
  private let isBig: Bool
  private let first: Int
  /// Where the directory begins.
  let start: Int
  /// Number of tags that lie in the bytes.
  let count: Int
  /// Whether those are all, and the place of the next directory follows them.
  let isWhole: Bool

  /// Nil where the bytes are no TIFF structure or the directory begins beyond them.
  ///
  /// - Parameter place: Where the directory begins; nil for the first.
  init?(_ bytes: UnsafeRawBufferPointer, at place: Int? = nil) {
    guard bytes.count >= 8 else { return nil }
    isLittleEndian = bytes[0] == 0x49 && bytes[1] == 0x49
    guard isLittleEndian || (bytes[0] == 0x4D && bytes[1] == 0x4D) else { return nil }
    self.bytes = bytes
    let reader = Reader(bytes: bytes, isLittleEndian: isLittleEndian)
    isBig = reader.short(at: 2) == 43
    let start = place ?? (isBig ? reader.long8(at: 8) : reader.long(at: 4))
    guard let start, start >= 0,
      let declared = isBig ? reader.long8(at: start) : reader.short(at: start)
    else { return nil }
    self.start = start
    first = start + (isBig ? 8 : 2)
    let size = isBig ? 20 : 12
    count = min(declared, (bytes.count - first) / size)
    isWhole = count == declared && bytes.count - first - size * count >= (isBig ? 8 : 4)
  }

  /// Where the next directory begins; nil where there is none.
  var next: Int? {
    let place = first + (isBig ? 20 : 12) * count
    let next = isBig ? reader.long8(at: place) : reader.long(at: place)
    return isWhole && next != 0 ? next : nil
  }

  private var reader: Reader { Reader(bytes: bytes, isLittleEndian: isLittleEndian) }

  /// The tag at a position.
  func entry(_ index: Int) -> Entry? {
    let at = first + (isBig ? 20 : 12) * index
    guard let tag = reader.short(at: at), let type = reader.short(at: at + 2),
      let count = isBig ? reader.long8(at: at + 4) : reader.long(at: at + 4)
    else { return nil }
    let inline = at + (isBig ? 12 : 8)
    var entry = Entry(
      tag: tag, type: type, count: count, place: inline, length: nil, isElsewhere: false)
    guard let width = Self.width(ofType: type) else { return entry }
    let (length, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow else { return entry }
    entry.length = length
    if length > (isBig ? 8 : 4) {
      guard let place = isBig ? reader.long8(at: inline) : reader.long(at: inline) else {
        return nil
      }
      entry.place = place
      entry.isElsewhere = true
    }
    return entry
  }

  /// The first of a tag's values as a whole number.
  func number(_ tag: Int) -> Int? {
    for index in 0..<count {
      guard let entry = entry(index) else { return nil }
      guard entry.tag == tag else { continue }
      guard entry.count >= 1 else { return nil }
      switch entry.type {
      case 1: return reader.byte(at: entry.place)
      case 3: return reader.short(at: entry.place)
      case 4: return reader.long(at: entry.place)
      case 16: return reader.long8(at: entry.place)
      default: return nil
      }
    }
    return nil
  }

  /// A tag's text up to its first zero, of which no more than 64 bytes are read; nil where there is none.
  func text(_ tag: Int) -> String? {
    for index in 0..<count {
      guard let entry = entry(index) else { return nil }
      guard entry.tag == tag, entry.type == 2 else { continue }
      let text = (0..<min(entry.count, 64)).lazy.compactMap { reader.byte(at: entry.place + $0) }
        .prefix { $0 != 0 }
      return String(decoding: text.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }
    return nil
  }

  /// Bytes of one value.
  private static func width(ofType type: Int) -> Int? {
    switch type {
    case 1, 2, 6, 7: 1
    case 3, 8: 2
    case 4, 9, 11, 13: 4
    case 5, 10, 12, 16, 17, 18: 8
    default: nil
    }
  }

  private struct Reader {
    let bytes: UnsafeRawBufferPointer
    let isLittleEndian: Bool

    func byte(at offset: Int) -> Int? { number(UInt8.self, at: offset) }
    func short(at offset: Int) -> Int? { number(UInt16.self, at: offset) }
    func long(at offset: Int) -> Int? { number(UInt32.self, at: offset) }
    func long8(at offset: Int) -> Int? { number(UInt64.self, at: offset) }

    private func number<Word: FixedWidthInteger>(_: Word.Type, at offset: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - MemoryLayout<Word>.size else { return nil }
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)
      return Int(exactly: isLittleEndian ? Word(littleEndian: word) : Word(bigEndian: word))
    }
  }
}
