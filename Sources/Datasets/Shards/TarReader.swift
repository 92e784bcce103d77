import FileSystem
import Imaging

/// The files of a tar archive, one after the other, read from untrusted bytes.
///
/// Names longer than a header holds come from GNU's or POSIX's extensions; folders, links and
/// devices are passed over. An archive without its end mark is refused: it was cut short. What
/// follows an end mark is read on where it is another archive (`cat a.tar b.tar`, GNU tar's
/// `--ignore-zeros`), and counted where it is none.
struct TarReader {
  /// One file.
  struct Entry: Hashable {
    var name: String
    /// Where its content begins, counted from the beginning of the archive.
    var offset: Int
    /// Bytes of content.
    var size: Int
  }

  /// Most bytes of a name or of attributes.
  static let mostNameBytes = 1 << 16

  private let stream: any ByteStream
  private var position = 0
  /// Bytes of the current entry, with padding, that have not been read.
  private var unread = 0
  private var entries = 0
  /// Bytes after the end that are no archive, once `next()` has given nil.
  private(set) var unreadBytes = 0

  init(_ stream: any ByteStream) { self.stream = stream }

  /// The next file; nil after the last.
  mutating func next() throws(FileError) -> Entry? {
    try skip(unread)
    unread = 0
    var longName: String?
    var longSize: Int?
    while let header = try header() {
      switch header.kind {
      case .file:
        let size = longSize ?? header.size
        guard size <= TarHeader.largestSize else { throw damaged("declares \(size) bytes") }
        let entry = Entry(name: longName ?? header.name, offset: position, size: size)
        let blocks = (size + TarHeader.blockBytes - 1) / TarHeader.blockBytes
        unread = blocks * TarHeader.blockBytes
        return entry
      case .longName:
        let bytes = try extra(header)
        longName = String(pathBytes: bytes.prefix { $0 != 0 })
      case .attributes:
        let attributes = try paxAttributes(extra(header))
        longName = attributes.path ?? longName
        longSize = attributes.size ?? longSize
      case .sparse:
        throw FileError(
          .malformed, "is a tar archive with sparse files, which are not read; pack it again")
      case .other:
        try skip(header.paddedSize)
        longName = nil
        longSize = nil
      }
    }
    return nil
  }

  /// The content of the entry that `next()` gave last.
  mutating func content(of entry: Entry) throws(FileError) -> [UInt8] {
    precondition(position == entry.offset, "only the latest entry's content is still to come")
    let bytes = try stream.bytes(entry.size)
    guard bytes.count == entry.size else { throw cutShort }
    position += entry.size
    unread -= entry.size
    return bytes
  }

  private mutating func header() throws(FileError) -> TarHeader? {
    let block = try stream.bytes(TarHeader.blockBytes)
    guard block.count == TarHeader.blockBytes else {
      if entries == 0 {
        throw FileError(.malformed, "is too short for a tar archive: it has \(block.count) bytes")
      }
      throw cutShort
    }
    position += block.count
    do throws(TarHeader.Problem) {
      if let header = try parsed(block) {
        entries += 1
        return header
      }
    } catch {
      guard entries > 0 else { throw FileError(.malformed, "is no tar archive") }
      switch error {
      case .checksum: throw damaged("a header's checksum is wrong")
      case .size: throw damaged("a header's size makes no sense")
      }
    }
    return try headerAfterEnd()
  }

  /// The first header of an archive that follows the end mark of another; nil at the end of all.
  private mutating func headerAfterEnd() throws(FileError) -> TarHeader? {
    while true {
      let block = try stream.bytes(TarHeader.blockBytes)
      let isWhole = block.count == TarHeader.blockBytes
      if isWhole, block.allSatisfy({ $0 == 0 }) {
        position += block.count
      } else if isWhole, let header = try? parsed(block) {
        position += block.count
        return header
      } else {
        unreadBytes = block.allSatisfy({ $0 == 0 }) ? 0 : block.count
        unreadBytes += isWhole ? try stream.skip(.max) : 0
        return nil
      }
    }
  }

  private func parsed(_ block: [UInt8]) throws(TarHeader.Problem) -> TarHeader? {
    var result = Result<TarHeader?, TarHeader.Problem>.success(nil)
    block.withUnsafeBytes { bytes in
      result = Result { () throws(TarHeader.Problem) in try TarHeader(bytes) }
    }
    return try result.get()
  }

  private mutating func extra(_ header: TarHeader) throws(FileError) -> [UInt8] {
    guard header.size <= Self.mostNameBytes else {
      throw damaged("a name takes \(header.size) bytes")
    }
    let bytes = try stream.bytes(header.paddedSize)
    guard bytes.count == header.paddedSize else { throw cutShort }
    position += bytes.count
    return Array(bytes.prefix(header.size))
  }

  private mutating func skip(_ count: Int) throws(FileError) {
    guard count > 0 else { return }
    guard try stream.skip(count) == count else { throw cutShort }
    position += count
  }

  private func paxAttributes(
    _ bytes: [UInt8]
  ) throws(FileError) -> (path: String?, size: Int?) {
    var found: (path: String?, size: Int?) = (nil, nil)
    var rest = bytes[...]
    while !rest.isEmpty {
      // "27 path=some/name.jpg\n", the number counting all of that.
      let digits = rest.prefix { $0 != 0x20 }
      guard digits.count <= 6, let length = Int(String(decoding: digits, as: UTF8.self)),
        length > digits.count + 1, length <= rest.count, rest[rest.startIndex + length - 1] == 0x0A
      else { throw damaged("an entry's attributes make no sense") }
      let record = rest.prefix(length - 1).dropFirst(digits.count + 1)
      rest = rest.dropFirst(length)
      guard let equals = record.firstIndex(of: 0x3D) else { continue }
      let value = String(pathBytes: record[(equals + 1)...])
      switch String(decoding: record[..<equals], as: UTF8.self) {
      case "path": found.path = value
      case "size":
        guard let size = Int(value), size >= 0 else { throw damaged("a size is \(value)") }
        found.size = size
      case "GNU.sparse.major", "GNU.sparse.map":
        throw FileError(
          .malformed, "is a tar archive with sparse files, which are not read; pack it again")
      default: break
      }
    }
    return found
  }

  private func damaged(_ what: String) -> FileError {
    FileError(.malformed, "is a damaged tar archive (\(what), byte \(position)); fetch it again")
  }

  private var cutShort: FileError {
    FileError(.malformed, "is a tar archive cut short at byte \(position); fetch it again")
  }
}
