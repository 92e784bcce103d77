import FileSystem
import Torch

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The header of a safetensors file, checked against the file's size.
struct SafetensorsHeader {
  let entries: [SafetensorsFile.Entry]
  let metadata: [String: String]

  /// The longest header that any reader of the format accepts.
  static let limit = 100_000_000

  init(_ file: MappedFile) throws(FileError) {
    self = try file.withBytes { (bytes) throws(FileError) in
      try SafetensorsHeader(bytes, path: file.path)
    }
  }

  private init(_ bytes: UnsafeRawBufferPointer, path: String) throws(FileError) {
    let total = bytes.count
    guard total >= 8 else {
      throw .malformed(path, "has \(total) bytes; a safetensors file has at least 8")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= Self.limit else {
      throw .malformed(path, "is not a safetensors file: its first 8 bytes are no header length")
    }
    let start = 8 + Int(length)
    guard start <= total else {
      throw .malformed(
        path, "is cut short: \(total) bytes, where the header alone needs \(start)")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<start])
    guard text.first == UInt8(ascii: "{") else {
      throw .malformed(path, "is not a safetensors file: its header does not begin with '{'")
    }
    let header: RawHeader
    do {
      header = try JSONDecoder().decode(RawHeader.self, from: Data(text))
    } catch {
      throw .malformed(path, "has a broken header: \(RawHeader.reason(for: error))")
    }
    guard header.count == countMembers(ofObject: text) else {
      throw .malformed(path, "names a tensor twice in its header")
    }
    metadata = header.metadata
    entries = try header.entries(in: start..<total, path: path)
  }
}

/// The header as JSON has it, before its numbers are believed.
private struct RawHeader: Decodable {
  struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  var metadata: [String: String] = [:]
  var raw: [(name: String, entry: Entry)] = []
  /// Members of the object, the metadata counted.
  var count = 0

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for key in container.allKeys {
      count += 1
      if key.stringValue == "__metadata__" {
        metadata = try container.decode([String: String]?.self, forKey: key) ?? [:]
      } else {
        raw.append((key.stringValue, try container.decode(Entry.self, forKey: key)))
      }
    }
  }

  /// A decoder's complaint as one line.
  static func reason(for error: any Error) -> String {
    func place(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      let path = context.codingPath + (last.map { [$0] } ?? [])
      return path.isEmpty
        ? "it" : path.map { $0.stringValue.quoted() }.joined(separator: " → ")
    }
    return switch error as? DecodingError {
    case .typeMismatch(let type, let context)?: "\(place(context)) is not a \(type)"
    case .valueNotFound(_, let context)?: "\(place(context)) is null"
    case .keyNotFound(let key, let context)?: "\(place(context, key)) is missing"
    case .dataCorrupted(let context)? where !context.codingPath.isEmpty:
      "\(place(context)) is out of range"
    default: "it is not valid JSON, or a number in it is too large"
    }
  }

  /// The entries in the order of their bytes, which fill `data` without gap or overlap.
  func entries(in data: Range<Int>, path: String) throws(FileError) -> [SafetensorsFile.Entry] {
    var entries: [SafetensorsFile.Entry] = []
    entries.reserveCapacity(raw.count)
    for (name, entry) in raw {
      let label = "tensor \(name.quoted())"
      guard let dtype = DType(safetensorsName: entry.dtype) else {
        throw .malformed(
          path,
          "\(label) has the type \(entry.dtype.quoted()), which is not supported; those "
            + "that are: \(DType.allCases.map(\.safetensorsName).joined(separator: ", "))")
      }
      guard let size = byteCount(shape: entry.shape, dtype: dtype) else {
        throw .malformed(path, "\(label) has the impossible shape \(brief(entry.shape))")
      }
      guard
        entry.data_offsets.count == 2, let begin = entry.data_offsets.first,
        let end = entry.data_offsets.last, begin >= 0, begin <= end
      else {
        throw .malformed(path, "\(label) has the impossible offsets \(brief(entry.data_offsets))")
      }
      guard end <= data.count else {
        throw .malformed(
          path, "is cut short: \(label) ends at byte \(end) of the data, which has \(data.count)")
      }
      guard end - begin == size else {
        throw .malformed(
          path,
          "\(label) has \(end - begin) bytes; its shape \(brief(entry.shape)) and type "
            + "\(entry.dtype) need \(size)")
      }
      let range = data.lowerBound + begin..<data.lowerBound + end
      entries.append(.init(name: name, dtype: dtype, shape: entry.shape, range: range))
    }
    entries.sort { a, b in
      let (left, right) = (a.range, b.range)
      if left.lowerBound != right.lowerBound { return left.lowerBound < right.lowerBound }
      if left.upperBound != right.upperBound { return left.upperBound < right.upperBound }
      return a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
    var next = data.lowerBound
    for entry in entries {
      guard entry.range.lowerBound == next else {
        let fault = entry.range.lowerBound < next ? "overlaps the one before it" : "follows a gap"
        throw .malformed(path, "tensor \(entry.name.quoted()) \(fault)")
      }
      next = entry.range.upperBound
    }
    guard next == data.upperBound else {
      throw .malformed(path, "has \(data.upperBound - next) bytes after its last tensor")
    }
    return entries
  }
}

/// A list of numbers for a message.
func brief(_ numbers: [Int]) -> String {
  numbers.count <= 8
    ? "\(numbers)" : "[\(numbers.prefix(8).map(String.init).joined(separator: ", ")), …]"
}

/// Members of a JSON object that is known to be valid, names that occur twice counted twice.
private func countMembers(ofObject text: UnsafeRawBufferPointer) -> Int {
  var (depth, count) = (0, 0)
  var (inString, escaped) = (false, false)
  for byte in text {
    if inString {
      if escaped {
        escaped = false
      } else if byte == UInt8(ascii: "\\") {
        escaped = true
      } else if byte == UInt8(ascii: "\"") {
        inString = false
      }
      continue
    }
    switch byte {
    case UInt8(ascii: "\""): inString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
    case UInt8(ascii: ":") where depth == 1: count += 1
    default: break
    }
  }
  return count
}

extension SafetensorsHeader {
  /// The length and the header of a file that holds the tensors in the given order.
  static func encoded(
    _ tensors: [(name: String, dtype: DType, shape: [Int])], metadata: [String: String]
  ) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\($0.key.json):\($0.value.json)" }
      members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    for (name, dtype, shape) in tensors {
      let end = offset + shape.reduce(dtype.size, *)
      let sizes = shape.map(String.init).joined(separator: ",")
      members.append(
        "\(name.json):{\"dtype\":\"\(dtype.safetensorsName)\",\"shape\":[\(sizes)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
  }
}

extension DType {
  /// The format's name of the type.
  var safetensorsName: String {
    switch self {
    case .bool: "BOOL"
    case .uint8: "U8"
    case .int8: "I8"
    case .int16: "I16"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int32: "I32"
    case .float32: "F32"
    case .float64: "F64"
    case .int64: "I64"
    }
  }

  init?(safetensorsName name: String) {
    guard let type = DType.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
    self = type
  }

  /// The place of the type in the Python package's order, which goes by width.
  var safetensorsRank: Int {
    switch self {
    case .bool: 0
    case .uint8: 1
    case .int8: 2
    case .int16: 3
    case .float16: 4
    case .bfloat16: 5
    case .int32: 6
    case .float32: 7
    case .float64: 8
    case .int64: 9
    }
  }
}
