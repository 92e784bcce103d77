/// Formats that figures are written in.
public enum FigureFormat: String, CaseIterable, Hashable, Sendable {
  /// Pixels, exact.
  case png
  /// Pixels, of less exact colours; for photographs.
  case jpeg
  /// Pixels, exact, in smaller files than PNG.
  case webp
  /// Pictures and real text, which stays sharp at any size and can be searched and copied.
  case svg

  /// The format of a file's name: `.png`, `.jpg` or `.jpeg`, `.webp`, `.svg`, in capitals too; nil for
  /// others.
  public init?(path: String) {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return nil }
    switch name[name.index(after: dot)...].lowercased() {
    case "png": self = .png
    case "jpg", "jpeg": self = .jpeg
    case "webp": self = .webp
    case "svg": self = .svg
    default: return nil
    }
  }

  /// The ending of the format's file names, without a dot.
  public var pathExtension: String { self == .jpeg ? "jpg" : rawValue }

  /// The endings that are known, for messages: `.png, .jpg, .webp or .svg`.
  public static let endings = ".png, .jpg, .webp or .svg"
}
