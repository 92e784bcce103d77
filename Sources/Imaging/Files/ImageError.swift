import FileSystem

/// Why an image could not be had; one line that says what was found and what to do.
public struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it was.
  public enum Kind: String, Hashable, Sendable {
    /// There is no such file.
    case missing
    /// The file exists and cannot be read.
    case unreadable
    /// The content is not an image in a format that is read.
    case unrecognized
    /// The picture is larger, or costs more to decode, than the limits allow.
    case tooLarge
    /// The file ends before the picture does.
    case truncated
    /// The content contradicts its format.
    case corrupt
    /// A variant of the format that is not read.
    case unsupported
    /// Values of a raster are no numbers, and nothing was said of what to put there.
    case missingValues
  }

  /// What kind of failure it was.
  public var kind: Kind
  /// The file or entry, where there is one.
  public var name: String?
  /// What was found, what was expected and what to do.
  public var reason: String

  /// Creates an error.
  public init(_ kind: Kind, name: String? = nil, _ reason: String) {
    self.kind = kind
    self.name = name?.shownPath
    self.reason = reason.shownPath
  }

  /// The name, where there is one, and the reason.
  public var description: String { (name.map { "\($0): \(reason)" } ?? reason).oneLine }

  /// The same error about a named file.
  func named(_ name: String?) -> ImageError { ImageError(kind, name: self.name ?? name, reason) }
}
