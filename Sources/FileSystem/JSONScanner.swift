import Foundation

/// JSON text read from front to back, without a tree of its values: for files of hundreds of
/// megabytes.
///
/// Numbers are the nearest doubles of their decimals. `NaN` and `Infinity`, which are no JSON and
/// which Python writes, are numbers too.
package struct JSONScanner {
  /// Where and how a text stops being what was expected.
  package struct Failure: Error, Hashable {
    /// The byte.
    package var place: Int
    /// What was found or expected, as a sentence goes on.
    package var message: String

    package init(place: Int, message: String) {
      self.place = place
      self.message = message
    }
  }

  /// What a value is, by its first byte.
  package enum Kind: Hashable {
    case object, list, string, number, bool, null
  }

  private let start: UnsafeBufferPointer<UInt8>
  /// Bytes in all.
  package var count: Int { start.count }
  /// The next byte.
  package private(set) var place = 0

  /// Reads bytes that outlive the scanner.
  package init(_ bytes: UnsafeRawBufferPointer) {
    start = bytes.bindMemory(to: UInt8.self)
    if count >= 3, start[0] == 0xEF, start[1] == 0xBB, start[2] == 0xBF { place = 3 }
  }

  /// A failure at the next byte.
  package func failure(_ message: String) -> Failure {
    guard place < count else { return Failure(place: count, message: "is cut off") }
    return Failure(place: place, message: message)
  }

  @inline(__always)
  private mutating func skipSpace() {
    while place < count {
      let byte = start[place]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      place += 1
    }
  }

  /// What comes next.
  package mutating func kind() throws(Failure) -> Kind {
    skipSpace()
    guard place < count else { throw failure("") }
    switch start[place] {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .list
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "N"),
      UInt8(ascii: "I"):
      return .number
    default: throw failure("has a byte that begins no value")
    }
  }

  @inline(__always)
  private mutating func take(_ byte: UInt8, _ words: StaticString) throws(Failure) {
    skipSpace()
    guard place < count, start[place] == byte else { throw failure("expected \(words)") }
    place += 1
  }

  /// Reads an object: `body` is called with each key and reads its value.
  @inline(__always)
  package mutating func object(
    _ body: (inout JSONScanner, _ key: Key) throws(Failure) -> Void
  ) throws(Failure) {
    try take(UInt8(ascii: "{"), "an object")
    skipSpace()
    if place < count, start[place] == UInt8(ascii: "}") {
      place += 1
      return
    }
    while true {
      skipSpace()
      let key = try self.key()
      try take(UInt8(ascii: ":"), "a colon after a key")
      try body(&self, key)
      skipSpace()
      guard place < count else { throw failure("") }
      place += 1
      switch start[place - 1] {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "}"): return
      default:
        place -= 1
        throw failure("expected a comma or the end of an object")
      }
    }
  }

  /// Reads a list: `body` is called for each value and reads it.
  @inline(__always)
  package mutating func list(
    _ body: (inout JSONScanner) throws(Failure) -> Void
  ) throws(Failure) {
    try take(UInt8(ascii: "["), "a list")
    skipSpace()
    if place < count, start[place] == UInt8(ascii: "]") {
      place += 1
      return
    }
    while true {
      try body(&self)
      skipSpace()
      guard place < count else { throw failure("") }
      place += 1
      switch start[place - 1] {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: "]"): return
      default:
        place -= 1
        throw failure("expected a comma or the end of a list")
      }
    }
  }

  /// The key of an object, as it is written.
  package struct Key {
    fileprivate let bytes: UnsafeBufferPointer<UInt8>

    /// Whether it is that word, written without escapes.
    @inline(__always)
    package static func == (key: Key, word: StaticString) -> Bool {
      key.bytes.count == word.utf8CodeUnitCount && matches(key.bytes, word)
    }

    /// The key as text.
    package var text: String {
      String(decoding: bytes, as: UTF8.self)
    }
  }

  private func bytes(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: start[range])
  }

  private mutating func key() throws(Failure) -> Key {
    let (range, _) = try quoted("a key in quotes")
    return Key(bytes: bytes(range))
  }

  /// The bytes between quotes, and whether there are escapes among them.
  private mutating func quoted(_ words: StaticString) throws(Failure) -> (Range<Int>, Bool) {
    try take(UInt8(ascii: "\""), words)
    let first = place
    var hasEscapes = false
    while place < count {
      let byte = start[place]
      if byte == UInt8(ascii: "\"") {
        place += 1
        return (first..<place - 1, hasEscapes)
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        place += 1
      }
      place += 1
    }
    place = count
    throw failure("")
  }

  /// Reads a string.
  package mutating func string() throws(Failure) -> String {
    let (range, hasEscapes) = try quoted("a string")
    let bytes = bytes(range)
    guard hasEscapes else { return String(decoding: bytes, as: UTF8.self) }
    let text = Data([0x22] + Array(bytes) + [0x22])
    guard let value = try? JSONDecoder().decode(String.self, from: text) else {
      throw Failure(place: range.lowerBound, message: "has a string with escapes that are none")
    }
    return value
  }

  /// Reads a string as its bytes, escapes undone: run-length text has backslashes in it.
  @inline(__always)
  package mutating func stringBytes<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) throws(Failure) -> Result {
    skipSpace()
    let before = place
    let (range, hasEscapes) = try quoted("a string")
    if hasEscapes {
      place = before
      return Array(try string().utf8).withUnsafeBufferPointer(body)
    }
    return body(bytes(range))
  }

  /// Reads `true` or `false`, or 1 or 0.
  package mutating func bool() throws(Failure) -> Bool {
    switch try kind() {
    case .bool:
      let isTrue = start[place] == UInt8(ascii: "t")
      try word(isTrue ? "true" : "false")
      return isTrue
    case .number:
      let value = try number()
      guard value == 0 || value == 1 else { throw failure("has \(value) where 0 or 1 is expected") }
      return value == 1
    default: throw failure("expected true, false, 1 or 0")
    }
  }

  private mutating func word(_ word: StaticString) throws(Failure) {
    let length = word.utf8CodeUnitCount
    guard count - place >= length else {
      place = count
      throw failure("")
    }
    guard matches(bytes(place..<place + length), word) else {
      throw failure("has a word that is no value")
    }
    place += length
  }

  /// Reads a number.
  @inline(__always)
  package mutating func number() throws(Failure) -> Double {
    skipSpace()
    let first = place
    var isNegative = false
    if place < count, start[place] == UInt8(ascii: "-") {
      isNegative = true
      place += 1
    }
    var mantissa: UInt64 = 0
    var digits = 0
    var exponent = 0
    let whole = place
    while place < count, case let digit = start[place] &- 48, digit < 10 {
      mantissa = mantissa &* 10 &+ UInt64(digit)
      if mantissa > 0 { digits += 1 }
      place += 1
    }
    guard place > whole else { return try wordOrFailure(first, isNegative) }
    if place < count, start[place] == UInt8(ascii: ".") {
      place += 1
      let fraction = place
      while place < count, case let digit = start[place] &- 48, digit < 10 {
        mantissa = mantissa &* 10 &+ UInt64(digit)
        if mantissa > 0 { digits += 1 }
        place += 1
      }
      guard place > fraction else { throw failure("expected a digit after the point") }
      exponent = fraction - place
    }
    if place < count, start[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      var sign = 1
      if place < count, start[place] == UInt8(ascii: "-") || start[place] == UInt8(ascii: "+") {
        if start[place] == UInt8(ascii: "-") { sign = -1 }
        place += 1
      }
      let power = place
      var value = 0
      while place < count, case let digit = start[place] &- 48, digit < 10 {
        value = min(value * 10 + Int(digit), 100_000)
        place += 1
      }
      guard place > power else { throw failure("expected a digit of the exponent") }
      exponent += sign * value
    }
    // Both are exact as doubles, and so the one operation is rounded once.
    if digits <= 15, exponent >= -22, exponent <= 22 {
      let size = Double(mantissa)
      let value =
        exponent < 0 ? size / Self.powers[-exponent] : size * Self.powers[exponent]
      return isNegative ? -value : value
    }
    return Double(String(decoding: bytes(first..<place), as: UTF8.self)) ?? .nan
  }

  private static let powers: [Double] = (0...22).map { Double("1e\($0)") ?? 1 }

  private mutating func wordOrFailure(
    _ first: Int, _ isNegative: Bool
  ) throws(Failure) -> Double {
    guard place < count else { throw failure("") }
    switch start[place] {
    case UInt8(ascii: "N") where !isNegative:
      try word("NaN")
      return .nan
    case UInt8(ascii: "I"):
      try word("Infinity")
      return isNegative ? -.infinity : .infinity
    default:
      place = first
      throw failure("expected a number")
    }
  }

  /// Deepest nesting of values that are skipped.
  private static let deepest = 512

  /// Reads a value, whatever it is, and forgets it.
  package mutating func skip(depth: Int = 0) throws(Failure) {
    guard depth < Self.deepest else { throw failure("is nested more than \(Self.deepest) deep") }
    switch try kind() {
    case .object:
      try object { (scanner, _) throws(Failure) in try scanner.skip(depth: depth + 1) }
    case .list: try list { (scanner) throws(Failure) in try scanner.skip(depth: depth + 1) }
    case .string: _ = try quoted("a string")
    case .number: _ = try number()
    case .bool: _ = try bool()
    case .null: try word("null")
    }
  }

  /// Reads `null` where it comes next, and says whether it did.
  package mutating func null() throws(Failure) -> Bool {
    guard try kind() == .null else { return false }
    try word("null")
    return true
  }

  /// Checks that nothing but white space is left.
  package mutating func end() throws(Failure) {
    skipSpace()
    if place < count { throw failure("goes on after its end") }
  }
}

/// Whether bytes begin with a word.
@inline(__always)
private func matches(_ bytes: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
  for i in 0..<word.utf8CodeUnitCount where bytes[i] != word.utf8Start[i] { return false }
  return true
}
