extension ValueTree {
  /// Decodes a value of a type; throws a ``TreeMismatch`` that says where, what was found and what
  /// is allowed. Names the type does not know are ignored here: see ``RecipeOverrides``.
  func decoded<T: Decodable>(as type: T.Type) throws -> T {
    try TreeDecoder(tree: self, path: []).decode(type)
  }
}

/// A type that can say, in a few words, which values a recipe may give for it.
package protocol StatesAllowedValues {
  /// Completes "expected …".
  static var allowedValues: String { get }
}

/// A type whose values a recipe gives by name.
package protocol StatesAllowedNames {
  /// The names, in the order in which messages list them.
  static var allowedNames: [String] { get }
}

extension ClosedRange: StatesAllowedValues where Bound == Double {
  package static var allowedValues: String { "two numbers, the smaller first, such as [0.2, 1]" }
}

/// A value that a field cannot take.
struct TreeMismatch: Error, Hashable {
  /// Names and list positions that lead to the value.
  var path: [String]
  /// What was there; nil if nothing was.
  var found: ValueTree?
  /// What may be there, as the end of "expected …".
  var allowed: String

  /// The path as a user types it; a position in a list stays with its list.
  var field: FieldPath { FieldPath(Array(path.prefix { Int($0) == nil })) }
}

private struct TreeDecoder: Decoder {
  let tree: ValueTree
  let path: [String]

  var codingPath: [any CodingKey] { path.map(PositionKey.init(stringValue:)) }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func mismatch(_ allowed: String) -> TreeMismatch {
    TreeMismatch(path: path, found: tree, allowed: allowed)
  }

  var isNull: Bool {
    switch tree {
    case .null: true
    case .plain(let text): ScalarText.isNull(text)
    default: false
    }
  }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if let scalar = try scalar(type) { return scalar }
    do {
      return try T(from: self)
    } catch let error as TreeMismatch where error.path != path || allowed(by: type) == nil {
      throw error
    } catch {
      throw mismatch(allowed(by: type) ?? "another value (\(explanation(of: error)))")
    }
  }

  /// What a type says about itself: its names, the cases of an enumeration, or its own words.
  private func allowed(by type: (some Any).Type) -> String? {
    if let type = type as? any StatesAllowedValues.Type { return type.allowedValues }
    func listed(_ names: [String]) -> String {
      let nearest = nearestName(to: tree.excerpt, among: names)
      return names.joinedWords("or") + (nearest.map { "; did you mean \($0)?" } ?? "")
    }
    if let type = type as? any StatesAllowedNames.Type { return listed(type.allowedNames) }
    func cases<E: CaseIterable & RawRepresentable>(_ type: E.Type) -> String {
      listed(E.allCases.map { "\($0.rawValue)" })
    }
    return (type as? any (CaseIterable & RawRepresentable).Type).map { cases($0) }
  }

  private func explanation(of error: any Error) -> String {
    switch error {
    case DecodingError.dataCorrupted(let context), DecodingError.keyNotFound(_, let context),
      DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      context.debugDescription
    default: "\(error)"
    }
  }

  /// A number, truth value or text; nil if the type is none of them.
  private func scalar<T>(_ type: T.Type) throws -> T? {
    if let integer = type as? any FixedWidthInteger.Type { return try whole(integer) as? T }
    switch type {
    case is Bool.Type: return try bool() as? T
    case is String.Type: return try text() as? T
    case is Double.Type: return try number() as? T
    case is Float.Type: return Float(try number()) as? T
    default: return nil
    }
  }

  private func bool() throws -> Bool {
    switch tree {
    case .bool(let value): return value
    case .plain(let text): if let value = ScalarText.bool(text) { return value }
    default: break
    }
    throw mismatch("true or false")
  }

  private func text() throws -> String {
    switch tree {
    case .text(let text), .plain(let text): return text
    case .bool, .integer, .number, .null, .list, .map: throw mismatch("a text")
    }
  }

  private func number() throws -> Double {
    switch tree {
    case .number(let value): return value
    case .integer(let value): return Double(value)
    case .plain(let text): if let value = ScalarText.number(text) { return value }
    default: break
    }
    throw mismatch("a number")
  }

  private func whole<I: FixedWidthInteger>(_ type: I.Type) throws -> I {
    let value: Int128? =
      switch tree {
      case .integer(let value): value
      case .number(let value): Int128(exactly: value)
      case .plain(let text): ScalarText.integer(text)
      default: nil
      }
    guard let value else {
      throw mismatch(I.isSigned ? "a whole number" : "a whole number from 0")
    }
    guard let exact = I(exactly: value) else {
      throw mismatch("a whole number from \(I.min) to \(I.max)")
    }
    return exact
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let entries = tree.entries else { throw mismatch("a group of named values") }
    let values = Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    return KeyedDecodingContainer(DecodedFields<Key>(decoder: self, values: values))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let elements) = tree else { throw mismatch("a list, such as [1, 2]") }
    return DecodedElements(decoder: self, elements: elements)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { DecodedScalar(decoder: self) }
}

private struct DecodedFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: TreeDecoder
  let values: [String: ValueTree]
  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { values.keys.compactMap(Key.init(stringValue:)) }

  private func child(_ key: some CodingKey) throws -> TreeDecoder {
    let path = decoder.path + [key.stringValue]
    guard let value = values[key.stringValue] else {
      throw TreeMismatch(path: path, found: nil, allowed: "a value")
    }
    return TreeDecoder(tree: value, path: path)
  }

  func contains(_ key: Key) -> Bool { values[key.stringValue] != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try child(key).isNull }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try child(key).decode(type)
  }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try child(key).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try child(key).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder { try child(PositionKey(stringValue: "super")) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
}

private struct DecodedElements: UnkeyedDecodingContainer {
  let decoder: TreeDecoder
  let elements: [ValueTree]
  var currentIndex = 0

  init(decoder: TreeDecoder, elements: [ValueTree]) {
    self.decoder = decoder
    self.elements = elements
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex >= elements.count }

  private func current() throws -> TreeDecoder {
    guard !isAtEnd else { throw decoder.mismatch("a list of more than \(elements.count) values") }
    return TreeDecoder(tree: elements[currentIndex], path: decoder.path + ["\(currentIndex)"])
  }

  mutating func decodeNil() throws -> Bool {
    let isNull = try current().isNull
    if isNull { currentIndex += 1 }
    return isNull
  }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let value = try current().decode(type)
    currentIndex += 1
    return value
  }
  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let container = try current().container(keyedBy: type)
    currentIndex += 1
    return container
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let container = try current().unkeyedContainer()
    currentIndex += 1
    return container
  }
  mutating func superDecoder() throws -> any Decoder {
    let decoder = try current()
    currentIndex += 1
    return decoder
  }
}

private struct DecodedScalar: SingleValueDecodingContainer {
  let decoder: TreeDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.isNull }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}
