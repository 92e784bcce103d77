import Foundation

/// A value behind a lock that threads can wait on.
///
/// `@unchecked Sendable`: the value is touched only while the condition's lock is held.
package final class ConditionLock<Value>: @unchecked Sendable {
  private let condition = NSCondition()
  private var value: Value

  package init(_ value: sending Value) { self.value = value }

  /// Calls `body` with the lock held; `body` must not block.
  package func withLock<Result, E: Error>(
    _ body: (inout Value) throws(E) -> Result
  ) throws(E) -> Result {
    condition.lock()
    defer { condition.unlock() }
    return try body(&value)
  }

  /// Calls `body` until it gives a result, and sleeps between calls until the next broadcast.
  package func wait<Result>(until body: (inout Value) -> Result?) -> Result {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&value) { return result }
      condition.wait()
    }
  }

  /// The same for at most so many seconds; nil when they have passed.
  package func wait<Result>(
    atMost seconds: Double, until body: (inout Value) -> Result?
  ) -> Result? {
    let end = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&value) { return result }
      if !condition.wait(until: end) { return body(&value) }
    }
  }

  /// Wakes all who wait.
  package func broadcast() { condition.broadcast() }
}
