/// Bytes of a protocol-buffer message, field by field; only the wire types that events of
/// TensorBoard and ONNX files need.
package struct ProtobufMessage {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// An `int32`, `int64` or enumeration; negative numbers take ten bytes, as the format has it.
  package mutating func add(_ field: Int, _ value: Int64) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: value))
  }

  /// A `double`.
  package mutating func add(_ field: Int, _ value: Double) {
    key(field, wireType: 1)
    append(littleEndian: value.bitPattern)
  }

  /// A `float`.
  package mutating func add(_ field: Int, _ value: Float) {
    key(field, wireType: 5)
    append(littleEndian: value.bitPattern)
  }

  /// A `bytes` field.
  package mutating func add(_ field: Int, _ value: [UInt8]) {
    open(field, count: value.count)
    bytes += value
  }

  /// A `string`.
  package mutating func add(_ field: Int, _ value: String) { add(field, Array(value.utf8)) }

  /// An embedded message.
  package mutating func add(_ field: Int, _ value: ProtobufMessage) { add(field, value.bytes) }

  /// The beginning of a `bytes` or message field, whose content is to follow.
  package mutating func open(_ field: Int, count: Int) {
    key(field, wireType: 2)
    varint(UInt64(count))
  }

  private mutating func key(_ field: Int, wireType: Int) { varint(UInt64(field << 3 | wireType)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append(littleEndian value: some FixedWidthInteger) {
    bytes += value.littleEndianBytes
  }
}

extension FixedWidthInteger {
  /// The bytes from the least significant one.
  package var littleEndianBytes: [UInt8] {
    (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) }
  }
}
