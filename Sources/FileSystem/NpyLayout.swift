/// What an `.npy` file says before its elements: a Python dictionary with three known keys.
package struct NpyLayout: Hashable, Sendable {
  /// NumPy's name of the elements' type, such as `<u2`; nil for records.
  package let typeName: String?
  /// The size of each dimension.
  package let shape: [Int]
  /// Whether the first dimension is the one whose elements are neighbours.
  package let isColumnMajor: Bool
  /// Bytes before the first element.
  package let length: Int

  package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Reads a header, of versions 1 to 3.
  ///
  /// - Parameter path: What the file is called in messages.
  package init(_ bytes: UnsafeRawBufferPointer, path: String) throws(FileError) {
    guard bytes.starts(with: Self.magic) else {
      throw .malformed(path, "is not an .npy file: it does not begin with the mark of one")
    }
    guard bytes.count >= 12 else { throw .malformed(path, "is cut short: it has no header") }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw .malformed(path, "is of version \(version) of the .npy format; 1 to 3 are supported")
    }
    let start = version == 1 ? 10 : 12
    let count = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    guard count <= 65_535, count <= bytes.count - start else {
      throw .malformed(path, "is cut short: its header has no end")
    }
    let header = Array(bytes[start..<start + count])
    length = start + count
    var literal = PythonLiteral(header)
    guard let fields = literal.dictionary(),
      Set(fields.keys) == ["descr", "fortran_order", "shape"],
      case .flag(let isColumnMajor)? = fields["fortran_order"],
      case .numbers(let shape)? = fields["shape"]
    else {
      throw .malformed(
        path,
        "has a header that is not understood: "
          + String(decoding: header.prefix(100), as: UTF8.self).quoted())
    }
    typeName = if case .text(let name)? = fields["descr"] { name } else { nil }
    self.shape = shape
    self.isColumnMajor = isColumnMajor
  }

  /// Number of elements; nil where no machine can hold so many.
  package var count: Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      count = product
    }
    return count
  }
}

/// The little of Python's notation that an `.npy` header is written in.
private struct PythonLiteral {
  enum Value {
    case text(String)
    case flag(Bool)
    case numbers([Int])
    case other
  }

  private let text: [UInt8]
  private var position = 0

  init(_ text: [UInt8]) { self.text = text }

  /// The whole text as a dictionary with text for keys; nil when it is something else.
  mutating func dictionary() -> [String: Value]? {
    guard take("{") else { return nil }
    var fields: [String: Value] = [:]
    while !take("}") {
      guard let key = string(), take(":"), let value = value(),
        fields.updateValue(value, forKey: key) == nil
      else { return nil }
      if take(",") { continue }
      guard take("}") else { return nil }
      break
    }
    skipSpace()
    return position == text.count ? fields : nil
  }

  private mutating func value() -> Value? {
    if let string = string() { return .text(string) }
    if takeWord("True") { return .flag(true) }
    if takeWord("False") { return .flag(false) }
    if take("(") { return tuple() }
    // The type of a record is a list: it is named as such, not read.
    if take("[") {
      while position < text.count, text[position] != UInt8(ascii: "]") { position += 1 }
      return take("]") ? .other : nil
    }
    return nil
  }

  private mutating func tuple() -> Value? {
    var numbers: [Int] = []
    while !take(")") {
      guard let number = number() else { return nil }
      numbers.append(number)
      if take(",") { continue }
      return take(")") ? .numbers(numbers) : nil
    }
    return .numbers(numbers)
  }

  private mutating func number() -> Int? {
    skipSpace()
    let digits = text[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    position += digits.count
    // Files of Python 2 mark long numbers.
    if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
    return Int(String(decoding: digits, as: UTF8.self))
  }

  private mutating func string() -> String? {
    skipSpace()
    guard position < text.count, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(text[position])
    else { return nil }
    let rest = text[(position + 1)...]
    guard let end = rest.firstIndex(of: text[position]) else { return nil }
    position = end + 1
    return String(decoding: rest[..<end], as: UTF8.self)
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: String) -> Bool {
    skipSpace()
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func skipSpace() {
    while position < text.count, [0x20, 0x09, 0x0a].contains(text[position]) { position += 1 }
  }
}
