import FileSystem
import Foundation

/// What one of several processes on a host may use of it, so that all of them together use it once.
///
/// Without it 8 processes on 64 cores would have 8 × 64 threads, and 8 caches that each fill the
/// memory.
public struct HostShare: Hashable, Sendable {
  /// Processes of the run on this host.
  public var ranks: Int
  /// Cores that this process may run on, shared or not.
  public var visibleCores: Int
  /// Threads of one operator on the CPU: its own cores and its part of those it shares.
  public var threads: Int
  /// Bytes of memory for what is kept, such as decoded images.
  public var memory: Int

  /// Threads that decode images, unless the recipe gives their number.
  public var loaderWorkers: Int { threads }

  /// Divides a host.
  ///
  /// Of a core that `n` processes may run on each has the `n`th part. So processes that all see the
  /// same 64 cores have 64 / `n` each, and processes that were bound to 8 cores of their own have 8.
  ///
  /// - Parameters:
  ///   - rank: This process, counted on this host.
  ///   - cores: What each process of the host may run on.
  ///   - quota: Cores' worth of time that the container has for all of them; nil without a limit.
  ///   - freeMemory: Bytes that all of them may fill.
  public init(localRank rank: Int, cores: [CoreSet], quota: Double? = nil, freeMemory: Int) {
    precondition(cores.indices.contains(rank), "rank \(rank) of \(cores.count) on this host")
    var users: [Int: Int] = [:]
    for set in cores { for core in set.cores { users[core, default: 0] += 1 } }
    // Parts of cores add up to a whole one too: 3 processes on 3 cores have 1 each.
    let part = cores[rank].cores.reduce(0.0) { $0 + 1 / Double(users[$1] ?? 1) }
    let limit = quota.map { $0 / Double(cores.count) } ?? .infinity
    ranks = cores.count
    visibleCores = cores[rank].cores.count
    threads = max(1, Int(min(part, limit) + 1e-6))
    memory = freeMemory / cores.count
  }

  /// Divides this host among processes that see the same cores.
  public init(ranks: Int) {
    self.init(
      localRank: 0, cores: Array(repeating: .own, count: max(1, ranks)), quota: Self.quota,
      freeMemory: FileSystem.freeMemory())
  }

  /// Divides this host among processes that have told what they may run on.
  public init(localRank: Int, cores: [CoreSet]) {
    self.init(
      localRank: localRank, cores: cores, quota: Self.quota, freeMemory: FileSystem.freeMemory())
  }

  /// Cores' worth of time that the container of this process has; nil without a limit.
  static var quota: Double? {
    (try? String(contentsOfFile: "/sys/fs/cgroup/cpu.max", encoding: .utf8)).flatMap(quota(in:))
  }

  /// `400000 100000`, microseconds of each period, is 4 cores; `max 100000` is no limit.
  static func quota(in text: String) -> Double? {
    let words = text.split { $0.isWhitespace }
    guard words.count == 2, let time = Double(words[0]), let period = Double(words[1]), time > 0,
      period > 0
    else { return nil }
    return time / period
  }

  /// What a run says of it in its first lines.
  public var line: String {
    let whose =
      ranks == 1
      ? "\(visibleCores) \(visibleCores == 1 ? "core" : "cores")"
      : "\(ranks) processes on this host, each with \(threads) of "
        + "\(visibleCores) \(visibleCores == 1 ? "core" : "cores") in sight"
    return "\(whose): \(threads) \(threads == 1 ? "thread" : "threads"), "
      + "\(loaderWorkers) for decoding, \(Formatted.bytes(memory)) of memory"
  }
}
