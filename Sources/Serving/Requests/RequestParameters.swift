import FileSystem
import Foundation
import RecipeSyntax

/// What a request says besides its image, from its query, its form fields or its JSON body.
package struct RequestParameters: Sendable {
  /// A value as it came.
  package enum Value: Hashable, Sendable, Decodable {
    /// Text of a query, a form or JSON.
    case text(String)
    /// A number of JSON.
    case number(Double)
    /// `true` or `false` of JSON.
    case flag(Bool)
    /// A list of JSON.
    case list([Value])
    /// `null` of JSON, which is the same as nothing.
    case null

    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .list(try container.decode([Value].self))
      }
    }
  }

  private var values: [String: Value]
  private var known: Set<String> = []

  /// Takes values by their names.
  package init(_ values: [String: Value] = [:]) {
    self.values = values.filter { $0.value != .null }
  }

  /// Takes the parameters of an address.
  package init(query: [(name: String, value: String)]) throws(ServingError) {
    var values: [String: Value] = [:]
    for (name, value) in query {
      guard values.updateValue(.text(value), forKey: name) == nil else {
        throw .malformed("the address says \(name.shown) more than once")
      }
    }
    self.init(values)
  }

  /// Takes the fields of a JSON object.
  package init(json body: [UInt8]) throws(ServingError) {
    do {
      self.init(try JSONDecoder().decode([String: Value].self, from: Data(body)))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw .malformed(
        "the body's JSON is an object of texts, numbers and lists; "
          + (place.isEmpty ? "found something else" : "\(place) is something else"))
    } catch {
      throw .malformed("the body is not the JSON that its content type promises")
    }
  }

  /// Adds the parameters of an address to those of a body.
  ///
  /// - Throws: ``ServingError`` where both say the same.
  mutating func join(query: RequestParameters) throws(ServingError) {
    if let twice = query.values.keys.sorted().first(where: { values[$0] != nil }) {
      throw .malformed("both the address and the body say \(twice.shown); expected one of them")
    }
    add(query)
  }

  /// Adds values; those that are there already stay.
  package mutating func add(_ others: RequestParameters) {
    values.merge(others.values) { own, _ in own }
  }

  private mutating func take(_ name: String) -> Value? {
    known.insert(name)
    return values.removeValue(forKey: name)
  }

  /// A text.
  package mutating func text(_ name: String) throws(ServingError) -> String? {
    switch take(name) {
    case nil: return nil
    case .text(let text)?: return text
    case let other?: throw Self.wrong(name, other, "a text")
    }
  }

  /// One of some words.
  package mutating func word(
    _ name: String, of words: [String]
  ) throws(ServingError) -> String? {
    guard let text = try text(name) else { return nil }
    guard words.contains(text) else {
      throw .malformed("\(name) is \(text.shown); expected \(words.joinedWords("or"))")
    }
    return text
  }

  /// A number in a range.
  package mutating func number(
    _ name: String, in range: ClosedRange<Double>
  ) throws(ServingError) -> Double? {
    let value = take(name)
    let number: Double?
    switch value {
    case nil: return nil
    case .number(let given)?: number = given
    case .text(let text)?: number = Double(text)
    default: number = nil
    }
    guard let number, range.contains(number) else {
      throw Self.wrong(
        name, value ?? .null, "a number from \(range.lowerBound.plain) to \(range.upperBound.plain)"
      )
    }
    return number
  }

  /// A whole number in a range.
  package mutating func integer(
    _ name: String, in range: ClosedRange<Int>
  ) throws(ServingError) -> Int? {
    let value = take(name)
    if value == nil { return nil }
    guard let number = value.flatMap(Self.integer), range.contains(number) else {
      throw Self.wrong(
        name, value ?? .null, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Whole numbers: a list of JSON, or text with commas.
  package mutating func integers(_ name: String) throws(ServingError) -> [Int]? {
    let value = take(name)
    let expected = "whole numbers with commas between them, or a list of them"
    switch value {
    case nil: return nil
    case .list(let list)?:
      let numbers = list.compactMap(Self.integer)
      guard numbers.count == list.count else { throw Self.wrong(name, .list(list), expected) }
      return numbers
    case .text(let text)?:
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      let numbers = parts.compactMap { Int($0.filter { $0 != " " }) }
      guard numbers.count == parts.count else { throw Self.wrong(name, .text(text), expected) }
      return numbers
    case let other?:
      guard let number = Self.integer(other) else { throw Self.wrong(name, other, expected) }
      return [number]
    }
  }

  /// Words of some: a list of JSON, or text with commas.
  package mutating func words(
    _ name: String, of words: [String]
  ) throws(ServingError) -> [String]? {
    let value = take(name)
    let texts: [String]
    switch value {
    case nil: return nil
    case .list(let list)?:
      texts = list.compactMap { if case .text(let text) = $0 { text } else { nil } }
      guard texts.count == list.count else { throw Self.wrong(name, .list(list), "words") }
    case .text(let text)?:
      texts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    case let other?: throw Self.wrong(name, other, "words")
    }
    if let wrong = texts.first(where: { !words.contains($0) }) {
      throw .malformed("\(name) has \(wrong.shown); expected \(words.joinedWords("or"))")
    }
    return texts
  }

  /// `true` or `false`; false where there is nothing.
  package mutating func flag(_ name: String) throws(ServingError) -> Bool {
    let value = take(name)
    switch value {
    case nil: return false
    case .flag(let flag)?: return flag
    case .text("true")?: return true
    case .text("false")?: return false
    case let other?: throw Self.wrong(name, other, "true or false")
    }
  }

  /// The bytes of base64 text.
  package mutating func bytes(_ name: String) throws(ServingError) -> [UInt8]? {
    switch take(name) {
    case nil: return nil
    case .text(let text)?:
      guard let data = Data(base64Encoded: text) else {
        throw .malformed("\(name) is not base64")
      }
      return Array(data)
    case let other?: throw Self.wrong(name, other, "a file as base64")
    }
  }

  /// Refuses what nobody has asked for.
  package func finish() throws(ServingError) {
    guard let unknown = values.keys.sorted().first else { return }
    let advice =
      nearestName(to: unknown, among: Array(known)).map { "did you mean \($0)?" }
      ?? "there are \(known.sorted().joined(separator: ", "))"
    throw .malformed("there is no parameter \(unknown.shown); \(advice)")
  }

  private static func integer(_ value: Value) -> Int? {
    switch value {
    case .number(let number): Int(exactly: number)
    case .text(let text): Int(text)
    default: nil
    }
  }

  private static func wrong(_ name: String, _ value: Value, _ expected: String) -> ServingError {
    let found =
      switch value {
      case .text(let text): text.shown
      case .number(let number): number.plain
      case .flag(let flag): "\(flag)"
      case .list(let list): "a list of \(list.count)"
      case .null: "null"
      }
    return .malformed("\(name) is \(found); expected \(expected)")
  }
}

extension String {
  /// The text for a message of one line: short, in quotation marks, without control characters.
  var shown: String {
    let scalars = unicodeScalars.prefix(60).map {
      $0.properties.generalCategory == .control ? "\u{FFFD}" : $0
    }
    let text = String(String.UnicodeScalarView(scalars))
    return "'\(text)\(unicodeScalars.count > 60 ? "…" : "")'"
  }
}

extension Double {
  fileprivate var plain: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}
