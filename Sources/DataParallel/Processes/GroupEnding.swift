/// The rule by which one process's failure ends the others: they have some seconds to end by
/// themselves, then they are asked to, then they are killed.
struct GroupEnding {
  /// What is due.
  enum Action: Hashable {
    /// SIGTERM to those that are left.
    case terminate
    /// SIGKILL to those that are left.
    case kill
  }

  /// The status of a process that says that another one, or the network, failed it.
  static let peerLost: Int32 = 75

  private let grace: Duration
  private let killAfter: Duration
  /// The process whose end is that of all.
  private(set) var cause: (rank: Int, end: ProcessEnd)?
  /// The last thing that was done.
  private(set) var done: Action?
  private var next: ContinuousClock.Instant?

  /// - Parameters:
  ///   - grace: From the first failure to SIGTERM.
  ///   - killAfter: From there to SIGKILL.
  init(grace: Duration, killAfter: Duration) {
    self.grace = grace
    self.killAfter = killAfter
  }

  /// Takes note of a process's end; true for the first failure.
  ///
  /// The first failure is the cause of all, but that one which was only failed by another gives way
  /// to what the other ended with, if that comes before anybody is told to end.
  mutating func ended(_ rank: Int, _ end: ProcessEnd, at now: ContinuousClock.Instant) -> Bool {
    guard end.status != 0 else { return false }
    guard let cause else {
      self.cause = (rank, end)
      next = now + grace
      return true
    }
    if done == nil, cause.end == .exit(Self.peerLost), end != cause.end { self.cause = (rank, end) }
    return false
  }

  /// When something is due next; nil while there is nothing to wait for.
  var deadline: ContinuousClock.Instant? { next }

  /// What is due now; each action comes once.
  mutating func due(at now: ContinuousClock.Instant) -> Action? {
    guard let next, next <= now else { return nil }
    switch done {
    case nil:
      done = .terminate
      self.next = now + killAfter
    case .terminate?:
      done = .kill
      self.next = nil
    case .kill?: return nil
    }
    return done
  }
}
