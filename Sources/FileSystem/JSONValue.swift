import Foundation

/// Any JSON value: for files that others write, where a wrong type is to be named, not to be fatal;
/// and for files that they read.
package enum JSONValue: Codable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list([JSONValue])
  case object([String: JSONValue])
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }

  /// The value as the text of a file, keys in order.
  package var fileText: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Only numbers that are not finite cannot be encoded, and none is ever put in.
    let text = (try? encoder.encode(self)) ?? Data()
    return Array(text) + [UInt8(ascii: "\n")]
  }

  /// The object that a text is; nil when it is not one.
  package static func object(_ text: [UInt8]) -> [String: JSONValue]? {
    guard case .object(let value) = try? JSONDecoder().decode(JSONValue.self, from: Data(text))
    else { return nil }
    return value
  }

  /// The value where it is of the kind; nil elsewhere.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var list: [JSONValue]? { if case .list(let values) = self { values } else { nil } }
  package var object: [String: JSONValue]? {
    if case .object(let values) = self { values } else { nil }
  }
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The value as a message shows it.
  package var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "'\(value.prefix(60))'"
    case .list(let values): "[\(values.prefix(4).map(\.text).joined(separator: ", "))]"
    case .object: "an object"
    }
  }
}
