import Datasets
import Foundation

/// One thread on which an actor computes, so that the threads of libtorch's operators are always
/// the same ones and the threads of Swift's tasks are never held up by a computation.
final class EngineThread: SerialExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var isStopped = false
  }
  private let state: ConditionLock<State>

  init() {
    let state = ConditionLock(State())
    self.state = state
    // A job keeps its actor, which keeps this executor: while there are jobs it is there.
    let thread = Thread { [weak self] in
      while let jobs = Self.next(of: state) {
        for job in jobs {
          guard let self else { return }
          job.runSynchronously(on: self.asUnownedSerialExecutor())
        }
      }
    }
    thread.name = "mae-engine"
    thread.stackSize = 8 << 20
    thread.start()
  }

  deinit {
    state.withLock { $0.isStopped = true }
    state.broadcast()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    state.broadcast()
  }

  /// The jobs that wait, in order; nil when there will be no more.
  private static func next(of state: ConditionLock<State>) -> [UnownedJob]? {
    let jobs: [UnownedJob]?? = state.wait { state in
      if !state.jobs.isEmpty {
        defer { state.jobs = [] }
        return .some(state.jobs)
      }
      return state.isStopped ? .some(nil) : nil
    }
    return jobs ?? nil
  }
}
