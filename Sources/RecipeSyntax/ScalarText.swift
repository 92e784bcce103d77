/// How unquoted scalars of YAML are read, once a field has said what it wants.
package enum ScalarText {
  package static func isNull(_ text: String) -> Bool { ["", "~", "null"].contains(text) }

  package static func bool(_ text: String) -> Bool? {
    switch text {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// A decimal number, finite; neither `nan`, `inf`, `0x10` nor `1_000`.
  package static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }),
      let value = Double(text), value.isFinite
    else { return nil }
    return value
  }

  /// A whole number: digits, or a decimal number without a fraction such as `1e3`, while exact.
  package static func integer(_ text: String) -> Int128? {
    if let value = Int128(text) { return value }
    guard let value = number(text), value.magnitude < 0x1p53 else { return nil }
    return Int128(exactly: value)
  }

  /// The shortest text that reads back to the same number, without a fraction where there is none.
  package static func written(_ value: Double) -> String {
    let whole = value.magnitude < 1e9 && !(value == 0 && value.sign == .minus)
    return (whole ? Int(exactly: value) : nil).map { "\($0)" } ?? "\(value)"
  }

  /// Whether a text, written plainly, could be taken for something else or confuse a reader.
  package static func needsQuotes(_ text: String) -> Bool {
    isNull(text) || bool(text) != nil || number(text) != nil || text != text.trimmingSpaces
      || text.contains { $0.isNewline || "\"'#:,[]{}&*!|>%@`".contains($0) }
  }
}

extension StringProtocol {
  /// Without spaces and tabs at both ends.
  var trimmingSpaces: String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(drop(while: blank).reversed().drop(while: blank).reversed())
  }
}
