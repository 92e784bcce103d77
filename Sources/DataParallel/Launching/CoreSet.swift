import Foundation

/// Cores of a host by their numbers, as Linux writes them: `0-3,8`.
public struct CoreSet: Hashable, Sendable, CustomStringConvertible {
  /// The cores' numbers, ascending.
  public let cores: [Int]

  /// Takes cores in any order.
  public init(_ cores: some Sequence<Int>) { self.cores = Set(cores).sorted() }

  /// Reads what ``description`` writes; nil for any other text, and for more than 65,536 cores.
  public init?(parsing text: String) {
    guard !text.isEmpty else { return nil }
    var cores: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      guard let first = Int(ends[0]), let last = Int(ends[ends.count - 1]), first >= 0,
        first <= last, last < 65_536
      else { return nil }
      cores += first...last
      guard cores.count <= 65_536 else { return nil }
    }
    self.init(cores)
  }

  /// `0-3,8`
  public var description: String {
    var runs: [ClosedRange<Int>] = []
    for core in cores {
      if let last = runs.last, last.upperBound + 1 == core {
        runs[runs.count - 1] = last.lowerBound...core
      } else {
        runs.append(core...core)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }

  /// The cores that this process may run on (`sched_getaffinity`): a launcher may have given each
  /// process its own. All cores on systems that do not bind processes.
  public static var own: CoreSet {
    // The kernel's text has no limit of 1024 cores, as the system call's set has.
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let name = "Cpus_allowed_list:"
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
    let list = line?.dropFirst(name.count).trimmingCharacters(in: .whitespaces)
    return list.flatMap { CoreSet(parsing: $0) }
      ?? CoreSet(0..<max(1, ProcessInfo.processInfo.activeProcessorCount))
  }
}
