import Synchronization

/// Counts the requests that hold memory or wait for the engine, and refuses more than there may be.
package final class Admission: Sendable {
  /// What is being worked on.
  package struct Load: Hashable, Sendable {
    package var requests = 0
    package var bytes = 0
  }

  private let limits: ServingLimits
  private let state = Mutex(Load())

  package init(_ limits: ServingLimits) { self.limits = limits }

  /// What is being worked on now.
  package var load: Load { state.withLock { $0 } }

  /// Does what a request asks, or refuses it at once.
  ///
  /// - Parameter bytes: Most bytes that the request's body may have.
  /// - Throws: ``ServingError/busy``, and what `body` throws.
  package func perform<Answer: Sendable>(
    bytes: Int, _ body: () async throws -> Answer
  ) async throws -> Answer {
    let isAdmitted = state.withLock { load in
      guard load.requests < limits.queue,
        load.requests == 0 || load.bytes + bytes <= limits.queueBytes
      else { return false }
      load.requests += 1
      load.bytes += bytes
      return true
    }
    guard isAdmitted else { throw ServingError.busy }
    defer {
      state.withLock { load in
        load.requests -= 1
        load.bytes -= bytes
      }
    }
    return try await body()
  }
}
