// Paths as text. On Linux a file's name is any bytes but 0 and "/", and need not be UTF-8. A path
// in this project is a `String` all the same: bytes that are not UTF-8 stand in it as private
// characters, U+10FF80 to U+10FFFF for the bytes 0x80 to 0xFF, and the functions that open files
// turn them back (after Python's PEP 383, which uses surrogates). So two names that differ never
// become one text, and whatever a folder lists can be opened. For people and in outputs such bytes
// are written `\xe9`.

/// The private character of the byte 0.
private let firstEscape: UInt32 = 0x10FF00

private func isEscape(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= firstEscape + 0x80 }

extension String {
  /// A path or name, by the bytes that the system has for it; ``pathBytes`` gives them back.
  package init(pathBytes bytes: some Collection<UInt8>) {
    // Only what begins with F4 can be one of the private characters.
    if !bytes.contains(0xF4), let text = String(validating: bytes, as: UTF8.self) {
      self = text
      return
    }
    var text = String.UnicodeScalarView()
    var rest = Array(bytes)[...]
    while let first = rest.first {
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      if rest.count >= length,
        let scalars = String(validating: rest.prefix(length), as: UTF8.self)?.unicodeScalars,
        scalars.count == 1, let scalar = scalars.first, !isEscape(scalar)
      {
        text.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        if let escape = Unicode.Scalar(firstEscape + UInt32(first)) { text.append(escape) }
        rest = rest.dropFirst()
      }
    }
    self = String(text)
  }

  /// The bytes that the system has for a path.
  package var pathBytes: [UInt8] {
    guard utf8.contains(0xF4) else { return Array(utf8) }
    var bytes: [UInt8] = []
    for scalar in unicodeScalars {
      if isEscape(scalar) {
        bytes.append(UInt8(truncatingIfNeeded: scalar.value))
      } else {
        bytes += UTF8.encode(scalar).map(Array.init) ?? []
      }
    }
    return bytes
  }

  /// A path for people and outputs: `\xe9` for each byte that is no text.
  package var shownPath: String {
    guard utf8.contains(0xF4) else { return self }
    var shown = ""
    for scalar in unicodeScalars {
      if isEscape(scalar) {
        shown += "\\x" + String(scalar.value & 0xFF, radix: 16)
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  /// The path that was shown as this text: `\xe9` is that byte.
  package var fromShownPath: String {
    guard contains("\\x") else { return self }
    var bytes: [UInt8] = []
    var rest = Array(utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), rest.count >= 3,
        let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16),
        value >= 0x80
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(pathBytes: bytes)
  }

  /// Calls `body` with a path as the system wants it. A path with a zero byte, which no file has,
  /// becomes the empty path, which no file has either.
  package func withSystemPath<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    if utf8.contains(0) { return "".withCString(body) }
    guard utf8.contains(0xF4) else { return withCString(body) }
    return (pathBytes + [0]).withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { chars in
        chars.baseAddress.map(body) ?? "".withCString(body)
      }
    }
  }
}
