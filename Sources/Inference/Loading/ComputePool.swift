import Dispatch
import Foundation
import Synchronization
import Torch

/// Threads that compute side by side, and how many threads each of their operators may use.
///
/// libtorch has one setting for the threads of an operator, which every new thread takes over at
/// its first operation and every change writes to as well. Nothing but this type changes it for
/// workers: it gives each worker its share and then sets the process's value to what it was, so
/// that two passes that run at once do not see each other's shares.
enum ComputePool {
  private struct State {
    /// Groups of workers that are being started, during which the process's value is a worker's
    /// share.
    var starting = 0
    /// Threads of an operator outside of workers.
    var threads = 0
  }

  private static let state = Mutex(State())

  /// Threads that an operator may use outside of workers.
  static var threads: Int {
    state.withLock { $0.starting > 0 ? $0.threads : Engine.threads }
  }

  /// Starts workers, each of whose operators uses an equal share of ``threads``, at least one.
  ///
  /// - Parameters:
  ///   - name: The threads' names, with a number after them.
  ///   - body: What a worker does; called on its thread.
  static func start(workers: Int, named name: String, _ body: @escaping @Sendable () -> Void) {
    let threads = state.withLock { state in
      if state.starting == 0 { state.threads = Engine.threads }
      state.starting += 1
      return state.threads
    }
    let share = max(1, threads / workers)
    let begun = DispatchSemaphore(value: 0)
    for number in 0..<workers {
      let thread = Thread {
        state.withLock { _ in
          Engine.threads = share
          // A thread takes over the process's value when it asks for the first time: that is now, as
          // long as the value is the share.
          _ = Engine.threads
        }
        begun.signal()
        body()
      }
      thread.name = "\(name)-\(number)"
      thread.stackSize = 8 << 20
      thread.start()
    }
    for _ in 0..<workers { begun.wait() }
    // The workers keep their own values; this one is for the caller and for threads to come.
    state.withLock { state in
      Engine.threads = threads
      state.starting -= 1
    }
  }
}
