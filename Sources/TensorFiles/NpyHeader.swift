import FileSystem
import Torch

/// The header of an `.npy` file: a Python dictionary with three known keys.
struct NpyHeader {
  let dtype: DType
  let shape: [Int]
  let isColumnMajor: Bool
  /// Bytes before the first element.
  let length: Int

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  init(_ bytes: UnsafeRawBufferPointer, path: String) throws(FileError) {
    guard bytes.starts(with: Self.magic) else {
      throw .malformed(path, "is not an .npy file: it does not begin with the mark of one")
    }
    let numbers = LittleEndianBytes(bytes)
    guard bytes.count >= 12 else { throw .malformed(path, "is cut short: it has no header") }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw .malformed(path, "is of version \(version) of the .npy format; 1 to 3 are supported")
    }
    let start = version == 1 ? 10 : 12
    let count = version == 1 ? numbers.u16(8) : numbers.u32(8)
    guard let count, count <= 65_535, let header = numbers.array(start, count) else {
      throw .malformed(path, "is cut short: its header has no end")
    }
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
    guard case .text(let name)? = fields["descr"], let dtype = DType(npyName: name) else {
      let found = if case .text(let name)? = fields["descr"] { name.quoted() } else { "a record" }
      throw .malformed(
        path,
        "has elements of type \(found), which is not supported; those that are: "
          + DType.allCases.compactMap(\.npyName).joined(separator: ", "))
    }
    self.shape = shape
    self.dtype = dtype
    self.isColumnMajor = isColumnMajor
  }

  /// A header as NumPy writes it. Its length does not depend on the number of rows.
  static func encoded(dtype: DType, shape: [Int]) -> [UInt8] {
    let name = dtype.npyName ?? ""
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array("{'descr': '\(name)', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
    // NumPy leaves room for the number of rows to grow to 21 digits.
    let room = shape.first.map { 21 - String($0).count } ?? 0
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: room))
    for version in [1, 2] as [UInt8] {
      let prefix = version == 1 ? 10 : 12
      // With its line's end a multiple of 64; NumPy adds 64 where it is one already.
      let padding = 64 - (prefix + text.count + 1) % 64
      let count = text.count + padding + 1
      if version == 1, count > 65_535 { continue }
      var header = magic + [version, 0]
      header += (0..<prefix - 8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
      header += text + [UInt8](repeating: UInt8(ascii: " "), count: padding)
      return header + [UInt8(ascii: "\n")]
    }
    return []
  }
}

extension DType {
  /// NumPy's name of the type; nil for bfloat16, which NumPy has not.
  fileprivate var npyName: String? {
    switch self {
    case .bool: "|b1"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .bfloat16: nil
    }
  }

  fileprivate init?(npyName name: String) {
    guard let type = DType.allCases.first(where: { $0.npyName == name }) else { return nil }
    self = type
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
