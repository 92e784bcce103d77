import FileSystem

/// The indexes of all shards of a set in one file, `NAME.shards`, so that a set on a server is
/// opened with one request.
///
/// The layout, little-endian: 8 bytes "MAESETX1", number of shards (8); then for each the bytes of
/// its name (8), those of its index (8), the name, and the ``ShardIndex``, which has a checksum.
struct ShardSetIndex: Sendable {
  /// The index of each shard, by the shard's file name.
  private(set) var indexes: [String: ShardIndex] = [:]
  /// The shards' names in their order.
  private(set) var names: [String] = []

  /// What is added to the name of a set.
  static let suffix = ".shards"
  private static let magic = Array("MAESETX1".utf8)

  init(_ shards: [(name: String, index: ShardIndex)]) {
    for (name, index) in shards {
      names.append(name)
      indexes[name] = index
    }
  }

  /// Reads and checks the content of a file.
  init(_ bytes: [UInt8]) throws(FileError) {
    func damaged(_ what: String) -> FileError {
      FileError(.malformed, "is a damaged index of a set (\(what)); delete it")
    }
    guard bytes.starts(with: Self.magic) else { throw damaged("it has no header") }
    var rest = bytes[Self.magic.count...]
    func long() throws(FileError) -> Int {
      guard rest.count >= 8 else { throw damaged("it is cut short") }
      let word = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      rest = rest.dropFirst(8)
      guard let number = Int(exactly: word) else { throw damaged("a size is wrong") }
      return number
    }
    func take(_ count: Int) throws(FileError) -> ArraySlice<UInt8> {
      guard count <= rest.count else { throw damaged("it is cut short") }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
    let count = try long()
    guard count <= bytes.count else { throw damaged("its number of shards is wrong") }
    for _ in 0..<count {
      let (nameBytes, indexBytes) = (try long(), try long())
      let name = String(decoding: try take(nameBytes), as: UTF8.self)
      names.append(name)
      indexes[name] = try ShardIndex(Array(take(indexBytes)))
    }
    guard rest.isEmpty else { throw damaged("it is too long") }
  }

  /// The content of the file.
  var bytes: [UInt8] {
    func long(_ number: Int) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    var bytes = Self.magic + long(names.count)
    for name in names {
      guard let index = indexes[name] else { continue }
      bytes += long(name.utf8.count) + long(index.bytes.count) + name.utf8 + index.bytes
    }
    return bytes
  }

  /// The address of the file for a set by a name with braces: `…/train-{000000..000127}.tar` has
  /// `…/train.shards`. nil for a name without, or with braces in a folder's name.
  static func address(ofPattern pattern: String) -> String? {
    let plain = pattern.prefix { $0 != "?" && $0 != "#" }
    guard let brace = plain.firstIndex(of: "{"), !plain[brace...].contains("/") else { return nil }
    var base = plain[..<brace]
    while let last = base.last, last == "-" || last == "_" { base.removeLast() }
    guard let last = base.last, last != "/" else { return nil }
    return base + suffix + pattern[plain.endIndex...]
  }
}
