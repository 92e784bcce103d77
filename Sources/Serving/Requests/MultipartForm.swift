/// The parts of a `multipart/form-data` body (RFC 7578). File names are not looked at.
package struct MultipartForm: Sendable {
  /// A part.
  package struct Part: Sendable {
    /// The field's name.
    package let name: String
    /// Whether it was sent as a file.
    package let isFile: Bool
    /// Its content.
    package let body: ArraySlice<UInt8>
  }

  /// The parts in their order.
  package let parts: [Part]

  private static let mostParts = 32
  private static let mostHeaderBytes = 8192

  /// Takes a body apart.
  ///
  /// - Parameter contentType: The header's value, with the boundary.
  /// - Throws: ``ServingError`` of status 400.
  /// - Complexity: O(bytes)
  package init(_ body: [UInt8], contentType: String) throws(ServingError) {
    guard let boundary = HeaderValue(contentType).parameters["boundary"], !boundary.isEmpty,
      boundary.utf8.count <= 70
    else {
      throw .malformed("the multipart body's content type names no boundary of 1 to 70 characters")
    }
    let delimiter = Array("--\(boundary)".utf8)
    var parts: [Part] = []
    guard var place = Self.find(delimiter, in: body[...])?.upperBound else {
      throw .malformed("the multipart body does not have the boundary that its content type names")
    }
    let next = Array("\r\n--\(boundary)".utf8)
    while !body[place...].starts(with: "--".utf8) {
      guard let line = Self.find([13, 10], in: body[place...]) else { throw Self.cutShort }
      let head = body[line.upperBound...].prefix(Self.mostHeaderBytes)
      // A part without any header begins with the empty line itself.
      guard
        let blank = Self.find(
          [13, 10, 13, 10], in: body[line.lowerBound...].prefix(head.count + 4))
      else {
        throw .malformed(
          "a part of the multipart body has no end of its headers within "
            + "\(Self.mostHeaderBytes) bytes")
      }
      guard let end = Self.find(next, in: body[(blank.upperBound - 2)...]) else {
        throw Self.cutShort
      }
      guard parts.count < Self.mostParts else {
        throw .malformed("the multipart body has more than \(Self.mostParts) parts")
      }
      let headers = body[line.upperBound..<max(line.upperBound, blank.lowerBound)]
      parts.append(
        try Self.part(
          String(decoding: headers, as: UTF8.self),
          body[blank.upperBound..<max(blank.upperBound, end.lowerBound)]))
      place = end.upperBound
    }
    self.parts = parts
  }

  private static let cutShort = ServingError.malformed(
    "the multipart body ends before its last boundary")

  private static func part(
    _ headers: String, _ body: ArraySlice<UInt8>
  ) throws(ServingError) -> Part {
    for line in headers.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":"),
        line[..<colon].lowercased() == "content-disposition"
      else { continue }
      let value = HeaderValue(String(line[line.index(after: colon)...]))
      guard let name = value.parameters["name"] else { break }
      return Part(name: name, isFile: value.parameters["filename"] != nil, body: body)
    }
    throw .malformed("a part of the multipart body has no name")
  }

  private static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Range<Int>? {
    guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
    let last = bytes.endIndex - pattern.count
    var start = bytes.startIndex
    while start <= last, let hit = bytes[start...last].firstIndex(of: first) {
      if bytes[hit..<hit + pattern.count].elementsEqual(pattern) {
        return hit..<hit + pattern.count
      }
      start = hit + 1
    }
    return nil
  }
}

/// A header's value with its parameters: `form-data; name="image"`.
package struct HeaderValue: Hashable, Sendable {
  /// What stands before the first semicolon, in lower case.
  package let value: String
  /// The parameters by their names in lower case.
  package let parameters: [String: String]

  package init(_ text: String) {
    var parts: [String] = [""]
    var isQuoted = false
    var isEscaped = false
    for character in text {
      if isEscaped {
        parts[parts.count - 1].append(character)
        isEscaped = false
      } else if isQuoted, character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        isQuoted.toggle()
      } else if character == ";", !isQuoted {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    func trimmed(_ text: some StringProtocol) -> String {
      String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
    value = trimmed(parts[0]).lowercased()
    var found: [String: String] = [:]
    for part in parts.dropFirst() {
      guard let equals = part.firstIndex(of: "=") else { continue }
      let name = trimmed(part[..<equals]).lowercased()
      if found[name] == nil { found[name] = trimmed(part[part.index(after: equals)...]) }
    }
    parameters = found
  }
}
