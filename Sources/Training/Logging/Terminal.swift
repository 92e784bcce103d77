import Datasets

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What texts are shown on.
public struct Terminal: Sendable {
  /// Whether lines can be rewritten in place.
  public var isTerminal: Bool
  /// Characters in a line, asked for each time because windows change.
  public var columns: @Sendable () -> Int

  /// Creates a description.
  public init(isTerminal: Bool, columns: @escaping @Sendable () -> Int = { 80 }) {
    self.isTerminal = isTerminal
    self.columns = columns
  }

  /// A file or pipe: plain lines only.
  public static let plain = Terminal(isTerminal: false)

  /// Asks the system what a file descriptor is: 1 for standard output, 2 for standard error. A
  /// terminal that calls itself `dumb` gets plain lines.
  public static func attached(to descriptor: Int32) -> Terminal {
    let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
    return Terminal(isTerminal: isatty(descriptor) == 1 && !isDumb) {
      var size = winsize()
      let known = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
      return known ? Int(size.ws_col) : 80
    }
  }
}
