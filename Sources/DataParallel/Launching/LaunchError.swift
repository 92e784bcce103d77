/// An environment that names a place among many processes, but not a whole or a possible one.
///
/// A program that meets it ends with 64, the status of a wrong command line.
public struct LaunchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which variable, what was found, what was expected, what to do; one line.
  public let message: String

  /// Creates an error of one line.
  public init(_ message: String) { self.message = message }

  public var description: String { message }
}
