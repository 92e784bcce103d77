import FileSystem
import Imaging

/// One 512-byte header of a tar archive: ustar, GNU or pax.
struct TarHeader: Hashable {
  /// Bytes of every header and unit in which contents are padded.
  static let blockBytes = 512
  /// Largest content that is believed.
  static let largestSize = 1 << 44

  enum Kind: Hashable {
    /// A file with its content.
    case file
    /// GNU's: the content is the next entry's name.
    case longName
    /// POSIX's: the content is attributes of the next entry.
    case attributes
    /// A file with holes, whose content is not the file's.
    case sparse
    /// Anything else: folders, links, devices.
    case other
  }

  enum Problem: Error, Hashable {
    case checksum
    case size
  }

  var name: String
  var kind: Kind
  /// Bytes of content that follow, without the padding.
  var size: Int

  /// Bytes of content with the padding.
  var paddedSize: Int { (size + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes }

  /// Reads a header; nil for a block of zeros, which ends an archive.
  init?(_ block: UnsafeRawBufferPointer) throws(Problem) {
    precondition(block.count == Self.blockBytes)
    if block.allSatisfy({ $0 == 0 }) { return nil }
    let field = block[148..<156]
    let sum = block.reduce(0) { $0 + Int($1) } - field.reduce(0) { $0 + Int($1) } + 8 * 0x20
    guard Self.number(field) == sum else { throw .checksum }
    let type = block[156]
    switch type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = .file
    case UInt8(ascii: "L"): kind = .longName
    case UInt8(ascii: "x"): kind = .attributes
    case UInt8(ascii: "S"): kind = .sparse
    default: kind = .other
    }
    // Links, devices, folders and pipes have no content, whatever their size says.
    let isEmpty = (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(type)
    guard let size = isEmpty ? 0 : Self.number(block[124..<136]) else { throw .size }
    guard (0...Self.largestSize).contains(size) else { throw .size }
    self.size = size
    let name = Self.text(block[0..<100])
    let prefix =
      block[257..<263].elementsEqual("ustar\0".utf8) ? Self.text(block[345..<500]) : ""
    self.name = prefix.isEmpty ? name : prefix + "/" + name
  }

  /// An octal number that spaces may precede and spaces or zeros follow, or GNU's binary one.
  private static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
    guard let first = field.first else { return nil }
    if first & 0x80 != 0 {
      var value = Int(first & 0x7F)
      for byte in field.dropFirst() {
        guard value < 1 << 48 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
    guard !digits.isEmpty else { return nil }
    var value = 0
    for digit in digits {
      guard (0x30...0x37).contains(digit) else { return nil }
      value = value << 3 | Int(digit - 0x30)
    }
    return value
  }

  private static func text(_ field: Slice<UnsafeRawBufferPointer>) -> String {
    String(pathBytes: field.prefix { $0 != 0 })
  }
}

extension TarHeader {
  /// The ustar header of a file; equal files give equal bytes.
  ///
  /// - Precondition: the name has at most 100 bytes.
  static func bytes(name: String, size: Int) -> [UInt8] {
    precondition(name.utf8.count <= 100 && size >= 0 && size < 1 << 33)
    var block = [UInt8](repeating: 0, count: blockBytes)
    func put(_ text: String, at offset: Int) {
      block.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
    }
    func octal(_ value: Int, digits: Int) -> String {
      let text = String(value, radix: 8)
      return String(repeating: "0", count: digits - text.utf8.count) + text
    }
    put(name, at: 0)
    put("0000644", at: 100)
    put("0000000", at: 108)
    put("0000000", at: 116)
    put(octal(size, digits: 11), at: 124)
    put(octal(0, digits: 11), at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put(octal(block.reduce(0) { $0 + Int($1) }, digits: 6) + "\0 ", at: 148)
    return block
  }
}
