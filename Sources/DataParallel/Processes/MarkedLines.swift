/// Whole lines with a mark before each, from text that comes in pieces.
struct MarkedLines {
  /// The longest line that is kept together, in bytes.
  private static let limit = 1 << 16

  private let mark: [UInt8]
  private var rest: [UInt8] = []

  /// - Parameter mark: What each line begins with: `[rank 1] `.
  init(mark: String) { self.mark = Array(mark.utf8) }

  /// The lines that these bytes complete, each with its mark and line feed.
  mutating func add(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var lines: [UInt8] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || rest.count == Self.limit { lines += end() }
      if byte != UInt8(ascii: "\n") { rest.append(byte) }
    }
    return lines
  }

  /// What is left of the last line; nothing where it was ended.
  mutating func finish() -> [UInt8] { rest.isEmpty ? [] : end() }

  private mutating func end() -> [UInt8] {
    defer { rest.removeAll(keepingCapacity: true) }
    return mark + rest + [UInt8(ascii: "\n")]
  }
}
