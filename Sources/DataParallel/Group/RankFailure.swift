/// A run of several processes cannot go on, or cannot begin; every rank ends with the same status.
public struct RankFailure: Error, CustomStringConvertible, Hashable, Sendable {
  /// What is wrong and what to do, in one line.
  public let message: String
  /// The exit status that says what to do about it.
  public let status: Int32

  /// "Try again": a peer or the network was lost, and the last checkpoint is good.
  public static let tryAgain: Int32 = 75
  /// Something went wrong that should not have.
  public static let software: Int32 = 70
  /// What the processes were told differs.
  public static let configuration: Int32 = 78

  /// Creates a failure; one that may be gone the next time unless told otherwise.
  public init(_ message: String, status: Int32 = RankFailure.tryAgain) {
    self.message = message
    self.status = status
  }

  public var description: String { message }
}

/// What a rank that ends before the others leaves in the store, so that all say the same cause.
public struct LastWords: Codable, Hashable, Sendable {
  /// The rank that has ended.
  public var rank: Int
  /// Its host.
  public var host: String
  /// Its exit status.
  public var status: Int32
  /// Why.
  public var message: String

  /// The same as the other ranks tell it.
  public var failure: RankFailure {
    RankFailure("rank \(rank) (\(host)) has ended: \(message)", status: status)
  }
}
