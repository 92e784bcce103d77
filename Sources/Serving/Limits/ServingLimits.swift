/// What a server takes on at most.
public struct ServingLimits: Hashable, Sendable {
  /// Bytes of a request's body.
  public var bodyBytes = 16 << 20
  /// Pixels that an image file may declare.
  public var pixels = 64_000_000
  /// Requests with a body that are read, waited for or worked on at a time; more are answered with
  /// status 503.
  public var queue = 64
  /// Bytes that the bodies of those requests may have together.
  public var queueBytes = 256 << 20
  /// Open connections; more wait to be accepted.
  public var connections = 256
  /// Seconds in which a request must have arrived, and its answer must have been taken.
  public var seconds = 30
  /// Milliseconds that a request for an embedding or for classes waits at most for others to be
  /// computed with it, where the engine is idle.
  public var batchMilliseconds = 3

  /// Creates the limits that are used unless others are given.
  public init() {}

  /// What is wrong with the values; nil where nothing is.
  public var problem: String? {
    for (name, value, range) in [
      ("max-body", bodyBytes, 1024...1 << 30), ("max-pixels", pixels, 1...1 << 27),
      ("queue", queue, 1...4096), ("connections", connections, 1...65_536),
      ("timeout", seconds, 1...3600), ("batch-wait", batchMilliseconds, 0...1000),
    ] where !range.contains(value) {
      return "--\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound)"
    }
    return nil
  }
}
