extension ValueTree {
  /// Encodes any value; unlike most encoders, an optional field that is nil is there, as `null`.
  public init(encoding value: some Encodable) throws {
    let encoder = TreeEncoder()
    try encoder.encode(value)
    self = encoder.tree
  }
}

/// One value under construction; containers write into it and into its children.
private final class TreeEncoder: Encoder {
  private enum Storage {
    case nothing
    case value(ValueTree)
    case list([TreeEncoder])
    case map([(key: String, value: TreeEncoder)])
  }

  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]
  private var storage = Storage.nothing

  init(codingPath: [any CodingKey] = []) { self.codingPath = codingPath }

  var tree: ValueTree {
    switch storage {
    case .nothing: .map([])
    case .value(let value): value
    case .list(let elements): .list(elements.map(\.tree))
    case .map(let entries): .map(entries.map { ValueTree.Entry($0.key, $0.value.tree) })
    }
  }

  var count: Int {
    if case .list(let elements) = storage { elements.count } else { 0 }
  }

  /// Scalars are stored, everything else describes itself.
  func encode<T: Encodable>(_ value: T) throws {
    switch value {
    case let value as Bool: store(.bool(value))
    case let value as String: store(.text(value))
    case let value as Double: store(.number(value))
    case let value as Float: store(.number(Double(value)))
    case let value as any BinaryInteger: store(.integer(Int128(value)))
    default: try value.encode(to: self)
    }
  }

  func store(_ value: ValueTree) { storage = .value(value) }

  func child(_ key: some CodingKey) -> TreeEncoder {
    var entries: [(key: String, value: TreeEncoder)] = []
    if case .map(let existing) = storage { entries = existing }
    let child = TreeEncoder(codingPath: codingPath + [key])
    entries.append((key.stringValue, child))
    storage = .map(entries)
    return child
  }

  func element() -> TreeEncoder {
    var elements: [TreeEncoder] = []
    if case .list(let existing) = storage { elements = existing }
    let element = TreeEncoder(codingPath: codingPath + [PositionKey(intValue: elements.count)])
    elements.append(element)
    storage = .list(elements)
    return element
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .nothing = storage { storage = .map([]) }
    return KeyedEncodingContainer(Fields<Key>(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .nothing = storage { storage = .list([]) }
    return Elements(encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { Scalar(encoder: self) }
}

private struct Fields<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: TreeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) { encoder.child(key).store(.null) }
  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try encoder.child(key).encode(value)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    encoder.child(key).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.child(key).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { encoder.child(PositionKey(stringValue: "super")) }
  func superEncoder(forKey key: Key) -> any Encoder { encoder.child(key) }

  // The protocol's own versions of these leave a nil out. Each is spelled out because a generic
  // method loses against them.
  func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: String?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try write(value, key) }
  func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws { try write(value, key) }

  private func write<T: Encodable>(_ value: T?, _ key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }
}

private struct Elements: UnkeyedEncodingContainer {
  let encoder: TreeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.count }

  func encodeNil() { encoder.element().store(.null) }
  func encode<T: Encodable>(_ value: T) throws { try encoder.element().encode(value) }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) -> KeyedEncodingContainer<Nested> {
    encoder.element().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    encoder.element().unkeyedContainer()
  }
  func superEncoder() -> any Encoder { encoder.element() }
}

private struct Scalar: SingleValueEncodingContainer {
  let encoder: TreeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil() { encoder.store(.null) }
  func encode<T: Encodable>(_ value: T) throws { try encoder.encode(value) }
}

/// A key that stands for a place in a list, or for any name.
struct PositionKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }
  init(intValue: Int) {
    stringValue = "\(intValue)"
    self.intValue = intValue
  }
}
