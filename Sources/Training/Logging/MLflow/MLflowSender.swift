import Datasets
import FileSystem
import Foundation

/// Sends the journal to the server, on a thread of its own: no step waits for it. Nothing is kept in
/// memory but what is being sent.
final class MLflowSender: Sendable {
  /// How often it sends, and how soon it tries again.
  struct Rhythm: Sendable {
    /// Seconds between two messages, so that numbers of many steps go together.
    var pause = 1.0
    /// Seconds before a second attempt; doubled for each further one.
    var firstDelay = 2.0
    /// Most seconds between two attempts.
    var longestDelay = 60.0
    /// Attempts to send a file that the server answers with an error of its own.
    var fileAttempts = 3
  }

  private struct Shared {
    /// Whether something new is in the journal.
    var isPending = true
    var isEnding = false
    var hasEnded = false
    /// What came up and was not said yet.
    var notes: [String] = []
    /// Why not everything is sent; nil where it is.
    var problem: String?
    var page: String?
  }

  private let shared = ConditionLock(Shared())

  /// Starts to send what the journal has.
  init(_ folder: MLflowFolder, _ state: MLflowState, to server: MLflowServer, rhythm: Rhythm) {
    let shared = shared
    Thread.detachNewThread {
      // The thread's own: nothing else touches it.
      let delivery = MLflowDelivery(folder, state, to: server, fileAttempts: rhythm.fileAttempts)
      Self.run(delivery, shared, rhythm)
    }
  }

  /// Wakes the thread: the journal has more.
  func wake() {
    shared.withLock { $0.isPending = true }
    shared.broadcast()
  }

  /// What came up since this was last asked.
  func takeNotes() -> [String] {
    shared.withLock { shared in
      defer { shared.notes = [] }
      return shared.notes
    }
  }

  /// Has the thread send what is left, and end at the first failure.
  func end() {
    shared.withLock { $0.isEnding = true }
    shared.broadcast()
  }

  /// Waits for the thread's end for some seconds; nil where it has not come.
  ///
  /// - Returns: Why not everything is sent, nil where it is; and the run's page.
  func wait(seconds: Double) -> (problem: String?, page: String?)? {
    shared.wait(atMost: seconds) { $0.hasEnded ? ($0.problem, $0.page) : nil }
  }

  private static func run(
    _ delivery: MLflowDelivery, _ shared: ConditionLock<Shared>, _ rhythm: Rhythm
  ) {
    var delay = rhythm.firstDelay
    var hasWarned = false
    while true {
      let isEnding = shared.wait { shared in
        guard shared.isPending || shared.isEnding else { return nil as Bool? }
        shared.isPending = false
        return shared.isEnding
      }
      let problem = delivery.deliver()
      let notes = delivery.takeNotes()
      shared.withLock { [hasWarned] shared in
        shared.notes += notes
        shared.problem = problem
        shared.page = delivery.state.page
        if let problem, !hasWarned, !isEnding {
          shared.notes.append(
            "MLflow at \(delivery.state.server) \(problem); training continues, and what is missed is "
              + "sent when it does again")
        }
        if problem != nil { shared.isPending = true }
        shared.hasEnded = isEnding
      }
      shared.broadcast()
      if isEnding { return }
      hasWarned = hasWarned || problem != nil
      let pause = problem == nil ? rhythm.pause : delay
      delay = problem == nil ? rhythm.firstDelay : min(2 * delay, rhythm.longestDelay)
      _ = shared.wait(atMost: pause) { $0.isEnding ? true : nil }
    }
  }
}

/// Tells the server the next entries of the journal, for one thread.
final class MLflowDelivery {
  private(set) var state: MLflowState
  private let folder: MLflowFolder
  private let server: MLflowServer
  private let fileAttempts: Int
  private var attempts = 0
  private var hasRestarted = false
  private var said: Set<String> = []
  private var notes: [String] = []

  init(
    _ folder: MLflowFolder, _ state: MLflowState, to server: MLflowServer, fileAttempts: Int
  ) {
    self.folder = folder
    self.state = state
    self.server = server
    self.fileAttempts = fileAttempts
  }

  func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  /// Sends what the server has not got.
  ///
  /// - Returns: Why not everything is sent, as a sentence goes on after the server's name; nil where
  ///   it is.
  func deliver() -> String? {
    do {
      if state.runID == nil { state.sent = 0 }
      while try deliverSome() {}
      return nil
    } catch let failure as MLflowServer.Failure {
      return failure.reason
    } catch {
      return "does not get what cannot be read (\(error))"
    }
  }

  /// Sends some entries; whether there may be more.
  private func deliverSome() throws -> Bool {
    let (entries, end) = try folder.entries(from: state.sent)
    guard end > state.sent else { return false }
    var numbers: [MLflowEntry] = []
    var (count, place) = (0, state.sent)
    func flush() throws {
      guard !numbers.isEmpty else { return }
      let some = numbers
      try tell("numbers of steps") { run throws(MLflowServer.Failure) in
        try server.log(some, of: run)
      }
      (numbers, count) = ([], 0)
      try reach(place)
    }
    do {
      for (entry, end) in entries {
        let more = entry.metrics?.values.count ?? 0
        if more == 0 || count + more > MLflowServer.mostMetrics { try flush() }
        if more > 0 {
          numbers.append(entry)
          count += more
          place = end
        } else {
          try deliver(entry)
          try reach(end)
        }
      }
      try flush()
      try reach(end)
    } catch let failure as MLflowServer.Failure where failure.isMissing && !hasRestarted {
      // A server that has lost its runs, or another one: it is told everything.
      hasRestarted = true
      state = MLflowState(server: state.server)
      try folder.write(state)
    }
    return true
  }

  private func reach(_ place: Int) throws {
    guard place > state.sent else { return }
    state.sent = place
    attempts = 0
    try folder.write(state)
  }

  private func deliver(_ entry: MLflowEntry) throws {
    if let beginning = entry.beginning { try begin(beginning, at: entry.time) }
    if let file = entry.file { try deliver(file: file) }
    if let status = entry.status {
      try tell("the run's status") { run throws(MLflowServer.Failure) in
        try server.update(run, status: status, at: entry.time)
      }
    }
  }

  private func begin(_ beginning: MLflowEntry.Beginning, at time: Int) throws {
    if state.runID == nil {
      let experiment = try server.experiment(named: beginning.experiment)
      let run = try server.makeRun(
        in: experiment, named: beginning.name, at: time, tags: beginning.tags)
      (state.experimentID, state.runID, state.artifacts) = (experiment, run.id, run.artifacts)
      try folder.write(state)
    }
    try tell("the recipe") { run throws(MLflowServer.Failure) in
      try server.log(parameters: beginning.parameters, of: run)
    }
  }

  private func deliver(file name: String) throws {
    // A file that is gone meanwhile, as an earlier checkpoint, is not missed.
    guard let artifacts = state.artifacts, let file = try? ReadableFile("\(folder.run)/\(name)")
    else { return }
    do throws(MLflowServer.Failure) {
      try server.keep(file, named: name, in: artifacts)
    } catch {
      attempts += 1
      guard error.isAnswer, error.isFinal || attempts >= fileAttempts else { throw error }
      note("files", error)
    }
  }

  /// Tells the server something of the run; what it has understood and refused is left out.
  private func tell(
    _ what: String, _ work: (String) throws(MLflowServer.Failure) -> Void
  ) throws {
    guard let run = state.runID else { return }
    do throws(MLflowServer.Failure) {
      try work(run)
    } catch  where error.isFinal {
      note(what, error)
    }
  }

  /// Says once that something is left out.
  private func note(_ what: String, _ failure: MLflowServer.Failure) {
    guard said.insert(what).inserted else { return }
    notes.append("MLflow at \(state.server) \(failure.reason); left out there: \(what)")
  }
}
