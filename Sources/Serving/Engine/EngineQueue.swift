import Synchronization

/// The line of what waits for the engine: one computes at a time, in the order in which they came,
/// and who is cancelled leaves the line at once.
///
/// An actor has such a line too, and nobody can leave it.
package final class EngineQueue: Sendable {
  private struct State {
    var isTaken = false
    var last = 0
    var line: [(number: Int, turn: CheckedContinuation<Void, any Error>)] = []
  }
  private let state = Mutex(State())

  package init() {}

  /// Those who wait.
  var waitingCount: Int { state.withLock { $0.line.count } }

  /// Does something when its turn has come, and nothing else until it ends.
  ///
  /// - Throws: `CancellationError` where the task was cancelled before its turn, and what `body`
  ///   throws.
  package func perform<Answer: Sendable>(
    _ body: () async throws -> Answer
  ) async throws -> Answer {
    try await enter()
    defer { leave() }
    try Task.checkCancellation()
    return try await body()
  }

  private func enter() async throws {
    let number = state.withLock { state in
      state.last += 1
      return state.last
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (turn: CheckedContinuation<Void, any Error>) in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          // A task is marked before its handler runs: what is not seen here, the handler finds.
          if Task.isCancelled { return .failure(CancellationError()) }
          if state.isTaken {
            state.line.append((number, turn))
            return nil
          }
          state.isTaken = true
          return .success(())
        }
        if let outcome { turn.resume(with: outcome) }
      }
    } onCancel: {
      let turn = state.withLock { state in
        state.line.firstIndex { $0.number == number }.map { state.line.remove(at: $0).turn }
      }
      turn?.resume(throwing: CancellationError())
    }
  }

  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
      if state.line.isEmpty {
        state.isTaken = false
        return nil
      }
      return state.line.removeFirst().turn
    }
    next?.resume()
  }
}
