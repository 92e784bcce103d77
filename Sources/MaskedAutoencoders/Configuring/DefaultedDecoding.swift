#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Reads a value some of whose fields may be missing; those stay as they are in `defaults`.
///
/// A synthesised `init(from:)` asks for every field. It is given those of the decoder and, for the
/// others, those that `defaults` encodes to.
func decodedParameters<Value: Codable>(
  of defaults: Value, from decoder: any Decoder
) throws -> Value {
  try JSONDecoder().decode(
    Defaulted<Value>.self, from: JSONEncoder().encode(defaults), configuration: decoder
  ).value
}

private struct Defaulted<Value: Decodable>: DecodableWithConfiguration {
  let value: Value

  init(from defaults: any Decoder, configuration given: any Decoder) throws {
    value = try Value(from: DefaultedDecoder(given: given, defaults: defaults))
  }
}

private struct DefaultedDecoder: Decoder {
  let given: any Decoder
  let defaults: any Decoder

  var codingPath: [any CodingKey] { given.codingPath }
  var userInfo: [CodingUserInfoKey: Any] { given.userInfo }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(
      DefaultedFields(
        given: try given.container(keyedBy: type), defaults: try defaults.container(keyedBy: type)))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try given.unkeyedContainer() }
  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    try given.singleValueContainer()
  }
}

private struct DefaultedFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let given: KeyedDecodingContainer<Key>
  let defaults: KeyedDecodingContainer<Key>

  var codingPath: [any CodingKey] { given.codingPath }
  var allKeys: [Key] { given.allKeys }

  private func source(of key: Key) -> KeyedDecodingContainer<Key> {
    given.contains(key) ? given : defaults
  }

  func contains(_ key: Key) -> Bool { source(of: key).contains(key) }
  func decodeNil(forKey key: Key) throws -> Bool { try source(of: key).decodeNil(forKey: key) }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try source(of: key).decode(type, forKey: key)
  }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try source(of: key).nestedContainer(keyedBy: type, forKey: key)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try source(of: key).nestedUnkeyedContainer(forKey: key)
  }
  func superDecoder() throws -> any Decoder { try given.superDecoder() }
  func superDecoder(forKey key: Key) throws -> any Decoder {
    try source(of: key).superDecoder(forKey: key)
  }
}
