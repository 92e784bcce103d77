import FileSystem

/// The entries of a zip file that are stored as they are, as PyTorch writes them.
///
/// ZIP64 and data descriptors are read. Compressed and encrypted entries are refused, so that no
/// entry is larger than the file says; so are entries that overlap or have the same name.
struct ZipArchive: Sendable {
  let file: MappedFile
  /// Where the bytes of each entry lie in the file.
  let entries: [String: Range<Int>]

  private struct Directory {
    var range: Range<Int>
    var count: Int
  }

  init(_ file: MappedFile) throws(FileError) {
    self.file = file
    entries = try file.withBytes { (bytes) throws(FileError) in
      try ZipArchive.entries(LittleEndianBytes(bytes), path: file.path)
    }
  }

  private static func entries(
    _ bytes: LittleEndianBytes, path: String
  ) throws(FileError) -> [String: Range<Int>] {
    func broken(_ what: String) -> FileError {
      .malformed(path, "is a broken or truncated zip file: \(what)")
    }
    guard let directory = directory(bytes) else { throw broken("it has no directory at its end") }
    var found: [(name: String, start: Int, data: Range<Int>)] = []
    var place = directory.range.lowerBound
    for _ in 0..<directory.count {
      guard bytes.u32(place) == 0x0201_4b50, let entry = bytes.directoryEntry(place),
        entry.end <= directory.range.upperBound
      else { throw broken("its directory is cut short") }
      place = entry.end
      let name = entry.name
      guard entry.flags & 1 == 0, entry.method == 0 else {
        let how = entry.flags & 1 == 0 ? "compressed" : "encrypted"
        throw .malformed(path, "its entry \(name.quoted()) is \(how); PyTorch stores them plainly")
      }
      guard let start = bytes.dataStart(ofEntryAt: entry.offset, named: entry.rawName),
        entry.compressed == entry.size, entry.size <= directory.range.lowerBound - start
      else { throw broken("its entry \(name.quoted()) is not where the directory says") }
      found.append((name, entry.offset, start..<start + entry.size))
    }
    var entries: [String: Range<Int>] = [:]
    var end = 0
    for (name, start, data) in found.sorted(by: { $0.start < $1.start }) {
      guard start >= end else { throw broken("its entry \(name.quoted()) overlaps another") }
      end = data.upperBound
      guard entries.updateValue(data, forKey: name) == nil else {
        throw broken("it has two entries \(name.quoted())")
      }
    }
    return entries
  }

  /// The directory that the record at the end of the file points to, with the 64-bit form of it
  /// where there is one.
  private static func directory(_ bytes: LittleEndianBytes) -> Directory? {
    // The record is 22 bytes and a comment of at most 65,535.
    var end = bytes.count - 22
    let last = max(0, end - 0xffff)
    while end >= last, end >= 0 {
      if bytes.u32(end) == 0x0605_4b50, let comment = bytes.u16(end + 20),
        end + 22 + comment == bytes.count
      {
        break
      }
      end -= 1
    }
    guard end >= last, end >= 0, let count = bytes.u16(end + 10), let size = bytes.u32(end + 12),
      let start = bytes.u32(end + 16)
    else { return nil }
    var found = (count: count, size: size, start: start, limit: end)
    if end >= 20, bytes.u32(end - 20) == 0x0706_4b50 {
      guard let record = bytes.u64(end - 12), record <= end - 20,
        bytes.u32(record) == 0x0606_4b50, let count = bytes.u64(record + 32),
        let size = bytes.u64(record + 40), let start = bytes.u64(record + 48)
      else { return nil }
      found = (count, size, start, record)
    }
    // An entry of the directory has at least 46 bytes.
    guard found.start <= found.limit, found.size <= found.limit - found.start,
      found.count <= found.size / 46
    else { return nil }
    return Directory(range: found.start..<found.start + found.size, count: found.count)
  }
}

/// An entry of a zip file's directory.
private struct DirectoryEntry {
  let flags: Int
  let method: Int
  var compressed: Int
  var size: Int
  var offset: Int
  let rawName: [UInt8]
  let end: Int

  var name: String { String(decoding: rawName, as: UTF8.self) }
}

/// Bytes read as numbers, the lowest byte first; nil beyond the end or above `Int.max`.
struct LittleEndianBytes {
  let bytes: UnsafeRawBufferPointer
  var count: Int { bytes.count }

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func u16(_ place: Int) -> Int? { load(UInt16.self, place) }
  func u32(_ place: Int) -> Int? { load(UInt32.self, place) }
  func u64(_ place: Int) -> Int? { load(UInt64.self, place) }

  private func load<Value: FixedWidthInteger>(_: Value.Type, _ place: Int) -> Int? {
    guard place >= 0, place <= count - MemoryLayout<Value>.size else { return nil }
    return Int(
      exactly: Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Value.self)))
  }

  func array(_ place: Int, _ length: Int) -> [UInt8]? {
    guard place >= 0, length >= 0, place <= count, length <= count - place else { return nil }
    return Array(bytes[place..<place + length])
  }

  fileprivate func directoryEntry(_ place: Int) -> DirectoryEntry? {
    guard let flags = u16(place + 8), let method = u16(place + 10),
      let compressed = u32(place + 20), let size = u32(place + 24),
      let nameLength = u16(place + 28), let extraLength = u16(place + 30),
      let commentLength = u16(place + 32), let offset = u32(place + 42),
      let name = array(place + 46, nameLength)
    else { return nil }
    let extra = place + 46 + nameLength
    let end = extra + extraLength + commentLength
    var entry = DirectoryEntry(
      flags: flags, method: method, compressed: compressed, size: size, offset: offset,
      rawName: name, end: end)
    // Sizes that do not fit into 32 bits are in an extra field, in this order.
    let wide = [size, compressed, offset].map { $0 == 0xffff_ffff }
    guard wide.contains(true) else { return entry }
    var field = extra
    while let kind = u16(field), let length = u16(field + 2), field + 4 + length <= end {
      guard kind == 1 else {
        field += 4 + length
        continue
      }
      var place = field + 4
      let limit = place + length
      func next() -> Int? {
        defer { place += 8 }
        return place + 8 <= limit ? u64(place) : nil
      }
      if wide[0] { guard let value = next() else { return nil }; entry.size = value }
      if wide[1] { guard let value = next() else { return nil }; entry.compressed = value }
      if wide[2] { guard let value = next() else { return nil }; entry.offset = value }
      return entry
    }
    return nil
  }

  /// The first byte after the header that stands before an entry's data.
  fileprivate func dataStart(ofEntryAt place: Int, named name: [UInt8]) -> Int? {
    guard u32(place) == 0x0403_4b50, let nameLength = u16(place + 26),
      let extraLength = u16(place + 28), array(place + 30, nameLength) == name
    else { return nil }
    let start = place + 30 + nameLength + extraLength
    return start <= count ? start : nil
  }
}
