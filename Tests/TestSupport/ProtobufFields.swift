/// A field of a protocol-buffer message as it was sent.
package enum ProtobufValue: Equatable {
  case varint(UInt64), fixed64(UInt64), fixed32(UInt32), bytes([UInt8])

  /// The bytes of text, a list or a message.
  package var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
}

/// Bytes that are no protocol-buffer message.
package struct MalformedProtobuf: Error {
  package init() {}
}

/// A number from its bytes, the lowest first.
package func littleEndianNumber(_ bytes: some Collection<UInt8>) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

/// A message's fields by number; a decoder that shares nothing with the writer.
package func protobufFields(_ message: [UInt8]) throws -> [Int: [ProtobufValue]] {
  var rest = message[...]
  func varint() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw MalformedProtobuf()
  }
  func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard rest.count >= count else { throw MalformedProtobuf() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
  var fields: [Int: [ProtobufValue]] = [:]
  while !rest.isEmpty {
    let key = try varint()
    let value: ProtobufValue =
      switch key & 7 {
      case 0: .varint(try varint())
      case 1: .fixed64(littleEndianNumber(try take(8)))
      case 5: .fixed32(UInt32(littleEndianNumber(try take(4))))
      case 2: .bytes(Array(try take(Int(try varint()))))
      default: throw MalformedProtobuf()
      }
    fields[Int(key >> 3), default: []].append(value)
  }
  return fields
}
