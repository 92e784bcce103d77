import Foundation
import Synchronization
import Torch

/// A thread of each rank that tells the others that it is alive, and is told when one of them ends.
///
/// It has a client of the store of its own: the rank's work may be stuck in a collective, which is
/// when it is needed.
final class PeerWatch: Sendable {
  private let rank: Int
  private let count: Int
  private let hosts: [String]
  private let meeting: String
  private let isServedByFirst: Bool
  private let onFailure: @Sendable (RankFailure) -> Void
  private let state = Mutex(State())
  /// Seconds between two looks at the store, and looks between two beats.
  private let interval = 0.25
  private let looksPerBeat = 4

  private struct State {
    var progress = Progress(step: 0, activity: .opening)
    /// What this rank says when it ends.
    var parting: LastWords?
    var hasParted = false
    /// What another rank has said.
    var words: LastWords?
    var wantsBeats = false
    var isFinished = false
    var hasLeft = false
    /// Ranks that have finished, and those that are lost.
    var left = 0
    var lost = 0
    var isStopped = false
    var hasEnded = false
    var writers = 0
    /// The last time that the store answered, since the watch began.
    var answered = ContinuousClock.now
    var beats: [Peer] = []
    /// The last checkpoint as the first rank names it.
    var checkpoint: String?
    /// The step of the last checkpoint that this rank has waited for.
    var savedStep: Int?
  }

  /// Where a rank is.
  struct Progress: Codable, Equatable {
    var step: Int
    var activity: RankActivity
  }

  private struct Peer {
    var beat: Int
    var changed: ContinuousClock.Instant
    var firstSeen: ContinuousClock.Instant
    var progress: Progress?
  }

  /// Begins to watch.
  ///
  /// - Parameters:
  ///   - store: A client that nobody else uses.
  ///   - meeting: Where the store is, for messages.
  ///   - onFailure: Called on the watch's thread when another rank has ended; ends the process.
  init(
    _ store: KeyStore, rank: Int, hosts: [String], meeting: String, isServedByFirst: Bool,
    onFailure: @escaping @Sendable (RankFailure) -> Void
  ) {
    self.rank = rank
    count = hosts.count
    self.hosts = hosts
    self.meeting = meeting
    self.isServedByFirst = isServedByFirst
    self.onFailure = onFailure
    let thread = Thread { [self] in
      run(store)
      state.withLock { $0.hasEnded = true }
    }
    thread.name = "mae-watch"
    thread.stackSize = 1 << 20
    thread.start()
  }

  // MARK: From the rank's own thread

  func note(step: Int, _ activity: RankActivity) {
    state.withLock { $0.progress = Progress(step: step, activity: activity) }
  }

  func note(savedStep step: Int) { state.withLock { $0.savedStep = step } }

  /// What another rank has said at its end.
  var words: LastWords? { state.withLock { $0.words } }

  func beginWriting() { state.withLock { $0.writers += 1 } }
  func endWriting() { state.withLock { $0.writers -= 1 } }

  func leave(_ message: String, status: Int32) {
    state.withLock {
      $0.parting = LastWords(rank: rank, host: hosts[rank], status: status, message: message)
    }
    wait(upTo: 3) { $0.hasParted }
    // Others have to be able to read it.
    if isServedByFirst, rank == 0 { finish(waitingFor: 10) }
  }

  func finish(waitingFor seconds: Double) {
    state.withLock { $0.isFinished = true }
    wait(upTo: 3) { $0.hasLeft }
    if isServedByFirst, rank == 0 { wait(upTo: seconds) { [count] in $0.left >= count - $0.lost } }
    stop()
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    wait(upTo: 2) { $0.hasEnded }
  }

  private func wait(upTo seconds: Double, _ isReady: (State) -> Bool) {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if state.withLock({ isReady($0) || $0.hasEnded }) { return }
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// Finds out why a collective has failed: last words, or who is not heard of any more.
  func failure(because error: TorchError) -> RankFailure {
    let fault = ContinuousClock.now
    state.withLock { $0.wantsBeats = true }
    wait(upTo: 6) { state in
      state.words != nil
        || state.beats.allSatisfy { $0.changed > fault } && state.answered > fault + .seconds(4)
    }
    return state.withLock { state in
      if let words = state.words { return words.failure }
      let checkpoint = state.checkpoint ?? state.savedStep.map { "that of step \($0)" }
      let advice = checkpoint.map { "Last checkpoint: \($0); resume with --resume" }
      let what = cause(error, at: fault, &state)
      return RankFailure("\(what). \(advice ?? "There is no checkpoint yet")")
    }
  }

  private func cause(
    _ error: TorchError, at fault: ContinuousClock.Instant, _ state: inout State
  ) -> String {
    guard state.answered > fault else {
      let who = isServedByFirst ? name(0) : "the launcher's agent"
      return "\(who), which keeps the store at \(meeting), does not answer: it was lost, or the "
        + "network is gone"
    }
    let now = ContinuousClock.now
    let own = state.progress.step
    let peers = state.beats.indices.filter { $0 != rank }
    let silent = peers.filter { now - state.beats[$0].changed > .seconds(3) }
    state.lost = silent.count
    let hasTimedOut = error.message.lowercased().contains("timed out")
    if let lost = silent.first {
      let names = silent.count == 1 ? name(lost) : "\(rankList(silent)) (\(hosts[lost]) …)"
      let verb = silent.count == 1 ? "was" : "were"
      return hasTimedOut
        ? "\(names) \(verb) not heard of any more: stopped, or the network to it is gone; this rank is "
          + "at step \(own)"
        : "\(names) \(verb) lost at step \(own) without last words: killed (memory?), or its host is "
          + "gone"
    }
    let behind = peers.min {
      state.beats[$0].progress?.step ?? .max < state.beats[$1].progress?.step ?? .max
    }
    if hasTimedOut, let behind, let progress = state.beats[behind].progress {
      return "\(name(behind)) is alive but at step \(progress.step), "
        + "\(progress.activity.rawValue), while this rank is at \(own) and has waited for it as long as --patience says"
    }
    return "the connection between ranks was lost (\(error.message.firstSentence))"
  }

  private func name(_ rank: Int) -> String { "rank \(rank) (\(hosts[rank]))" }

  // MARK: The thread

  private func run(_ store: KeyStore) {
    var look = 0
    while !state.withLock({ $0.isStopped }) {
      do throws(TorchError) {
        try parting(store)
        if try store.has("failed") {
          let text = try store.get("failed", timeout: 5)
          if let words = try? JSONDecoder().decode(LastWords.self, from: Data(text.utf8)),
            words.rank != rank
          {
            report(words)
            return
          }
        }
        if look % looksPerBeat == 0 { try beat(store) }
        if state.withLock({ $0.wantsBeats }) { try readBeats(store) }
        try leaveWhenFinished(store)
        state.withLock { $0.answered = .now }
      } catch {
        // The store does not answer. What that means is said when a collective fails.
      }
      look += 1
      Thread.sleep(forTimeInterval: interval)
    }
  }

  private func parting(_ store: KeyStore) throws(TorchError) {
    guard let words = state.withLock({ $0.hasParted ? nil : $0.parting }) else { return }
    if try store.add("failures") == 1, let data = try? JSONEncoder().encode(words) {
      try store.set("failed", String(decoding: data, as: UTF8.self))
    }
    state.withLock { $0.hasParted = true }
  }

  private func report(_ words: LastWords) {
    let failsItself = state.withLock { state in
      state.words = words
      return state.parting != nil || state.wantsBeats
    }
    // What is being written shall be whole.
    while state.withLock({ $0.writers > 0 && !$0.isStopped }) {
      Thread.sleep(forTimeInterval: 0.05)
    }
    // A rank whose collective has failed says it in its own thread; unless that is stuck.
    if failsItself { wait(upTo: 8) { $0.isStopped } }
    guard !state.withLock({ $0.isStopped || $0.isFinished }) else { return }
    onFailure(words.failure)
  }

  private func beat(_ store: KeyStore) throws(TorchError) {
    let progress = state.withLock { $0.progress }
    if let data = try? JSONEncoder().encode(progress) {
      try store.set("at/\(rank)", String(decoding: data, as: UTF8.self))
    }
    try store.add("beat/\(rank)")
  }

  private func readBeats(_ store: KeyStore) throws(TorchError) {
    var beats: [(Int, Progress?)] = []
    for peer in 0..<count {
      let beat = try store.add("beat/\(peer)", 0)
      let text = try store.has("at/\(peer)") ? store.get("at/\(peer)", timeout: 5) : ""
      beats.append((beat, try? JSONDecoder().decode(Progress.self, from: Data(text.utf8))))
    }
    let checkpoint = try store.has("checkpoint") ? store.get("checkpoint", timeout: 5) : nil
    let now = ContinuousClock.now
    state.withLock { state in
      state.checkpoint = checkpoint
      if state.beats.isEmpty {
        // Nothing is known of the time before: a first look is no sign of life.
        state.beats = beats.map {
          Peer(beat: $0.0, changed: now - .seconds(60), firstSeen: now, progress: $0.1)
        }
      }
      for (peer, (beat, progress)) in beats.enumerated() {
        if state.beats[peer].beat != beat { state.beats[peer].changed = now }
        state.beats[peer].beat = beat
        state.beats[peer].progress = progress
      }
    }
  }

  private func leaveWhenFinished(_ store: KeyStore) throws(TorchError) {
    guard state.withLock({ $0.isFinished }) else { return }
    if !state.withLock({ $0.hasLeft }) {
      try store.add("left")
      state.withLock { $0.hasLeft = true }
    }
    let left = try store.add("left", 0)
    state.withLock { $0.left = left }
  }
}

/// `ranks 8–15`, `ranks 1, 3–4`
func rankList(_ ranks: [Int]) -> String {
  var runs: [ClosedRange<Int>] = []
  for rank in ranks.sorted() {
    if let last = runs.last, last.upperBound + 1 == rank {
      runs[runs.count - 1] = last.lowerBound...rank
    } else {
      runs.append(rank...rank)
    }
  }
  let words = runs.map {
    $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)"
  }
  return (ranks.count == 1 ? "rank " : "ranks ") + words.joined(separator: ", ")
}

extension String {
  /// What comes before the first line's end or full stop, without a path of its source.
  fileprivate var firstSentence: String {
    let line = split(separator: "\n").first.map(String.init) ?? self
    let text =
      line.hasPrefix("[") ? line.split(separator: "]").dropFirst().joined(separator: "]") : line
    return String(text.prefix(160)).trimmingCharacters(in: .whitespaces)
  }
}
