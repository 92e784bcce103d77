/// A run that cannot start or cannot go on, for a reason its user can do something about.
public struct RunFailure: Error, CustomStringConvertible, Sendable {
  /// What kind of reason; a program turns it into its exit status.
  public enum Kind: Sendable {
    /// The data or a file's content is not what it should be.
    case badData
    /// Something that was named is not there.
    case missingInput
    /// The output may not be written where it should go.
    case refusedOutput
    /// Reading or writing failed.
    case inputOutput
    /// Values of the recipe do not go together with the data or the run.
    case recipe
    /// The loss or a gradient is no longer a finite number.
    case notFinite
  }

  /// What kind of reason.
  public let kind: Kind
  /// What was found, what was expected, what to do.
  public let message: String

  /// Creates a failure.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }
}

/// A run that ended because it was asked to, after its checkpoint was safe.
public struct Interruption: Error, CustomStringConvertible, Sendable {
  /// Where things stand and how to resume.
  public let message: String

  /// Records an end.
  public init(message: String) { self.message = message }

  public var description: String { message }
}
