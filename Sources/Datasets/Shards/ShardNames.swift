/// The names that braces stand for: `{000..127}` for numbers of the same width, `{a,b}` for either.
enum ShardNames {
  /// Most names that one pattern may stand for.
  static let most = 1_000_000

  /// Whether a name is that of a tar archive, packed or not.
  static func isShard(_ name: String) -> Bool {
    [".tar", ".tar.gz", ".tgz", ".tar.zst"].contains { name.hasSuffix($0) }
  }

  /// Whether a path stands for several.
  static func isPattern(_ path: String) -> Bool { path.contains("{") }

  /// All names, in the order of the numbers.
  static func expanded(_ pattern: String) throws(DatasetError) -> [String] {
    guard let open = pattern.firstIndex(of: "{") else { return [pattern] }
    guard let close = pattern[open...].firstIndex(of: "}") else {
      throw problem(pattern, "has a { without a }")
    }
    let head = pattern[..<open]
    let inner = pattern[pattern.index(after: open)..<close]
    let tails = try expanded(String(pattern[pattern.index(after: close)...]))
    let choices = try choices(inner, in: pattern)
    guard choices.count * tails.count <= most else {
      throw problem(pattern, "stands for more than \(most) files")
    }
    return choices.flatMap { choice in tails.map { head + choice + $0 } }
  }

  private static func choices(
    _ inner: Substring, in pattern: String
  ) throws(DatasetError) -> [String] {
    if inner.contains("{") { throw problem(pattern, "has braces within braces") }
    if inner.contains(",") {
      return inner.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let digits = Set("0123456789")
    guard let dots = inner.firstRange(of: ".."), case let first = inner[..<dots.lowerBound],
      case let last = inner[dots.upperBound...], !first.isEmpty, !last.isEmpty,
      first.allSatisfy(digits.contains), last.allSatisfy(digits.contains),
      let low = Int(first), let high = Int(last), low <= high
    else {
      throw problem(pattern, "has {\(inner)}; expected numbers like {000000..000127} or a list")
    }
    guard high - low < most else {
      throw problem(pattern, "stands for more than \(most) files")
    }
    return (low...high).map { number in
      let text = String(number)
      return String(repeating: "0", count: max(0, first.count - text.count)) + text
    }
  }

  private static func problem(_ pattern: String, _ what: String) -> DatasetError {
    DatasetError(.malformed, path: pattern, what)
  }
}
