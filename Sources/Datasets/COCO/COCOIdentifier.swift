/// What a picture, an object or a category is called in a COCO file: a whole number, or a string,
/// which some programs write. `12` and `"12"` are two.
public enum COCOIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// A whole number.
  case number(Int)
  /// A string, also where it is one of digits.
  case text(String)

  /// As the file has it, strings in quotes.
  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .text(let text): "\"\(text)\""
    }
  }
}
