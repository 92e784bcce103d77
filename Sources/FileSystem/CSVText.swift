/// Values as comma-separated files have them (RFC 4180).
package enum CSVText {
  /// A text, in quotes where it has a comma, a quote or a line break.
  package static func field(_ text: String) -> String {
    guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
    // By scalars: a quote that a combining mark follows is no Character of its own.
    let doubled = text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined()
    return "\"\(doubled)\""
  }
}
