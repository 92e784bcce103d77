import Foundation
import Synchronization

/// Bytes of main memory the process holds now; its peak on systems that tell no more, and nil on
/// those that tell nothing.
public func residentMemory() -> Int? {
  #if os(Linux)
    // Second number of statm: resident pages.
    guard let file = fopen("/proc/self/statm", "r") else { return nil }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 256)
    guard fgets(&text, Int32(text.count), file) != nil else { return nil }
    let numbers = text.prefix { $0 != 0 }.split(separator: 0x20)
    guard numbers.count > 1 else { return nil }
    let pages = Int(String(decoding: numbers[1].map(UInt8.init), as: UTF8.self))
    return pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
  #else
    var usage = rusage()
    return getrusage(RUSAGE_SELF, &usage) == 0 ? Int(usage.ru_maxrss) : nil
  #endif
}

/// What this process may use of its host: all of it, or its part where several processes of a run
/// share it.
public enum HostLimits {
  private struct Limits {
    var cores: Int?
    var processes = 1
  }
  private static let limits = Mutex(Limits())

  /// Says how much of the host is this process's; to be called once, before anything is opened.
  ///
  /// - Parameters:
  ///   - cores: Cores that it may keep busy.
  ///   - processes: Processes that share the memory.
  public static func set(cores: Int, processes: Int) {
    limits.withLock { $0 = Limits(cores: max(1, cores), processes: max(1, processes)) }
  }

  /// Cores that this process may keep busy.
  public static var cores: Int {
    limits.withLock { $0.cores } ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
  }

  /// Processes that share the host's memory.
  static var processes: Int { limits.withLock { $0.processes } }
}

/// Bytes of memory that this process can have without others being pushed out, as far as the system
/// says; else half of all. Of processes that share a host each has its part.
package func freeMemory() -> Int { freeMemoryOfHost() / HostLimits.processes }

private func freeMemoryOfHost() -> Int {
  func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
  func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }
  let lines = text("/proc/meminfo")?.split(separator: "\n") ?? []
  let available = lines.first { $0.hasPrefix("MemAvailable:") }?
    .split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  let free = available ?? Int(ProcessInfo.processInfo.physicalMemory / 2)
  // A container's limit.
  let group = "/sys/fs/cgroup/memory."
  guard let most = number(group + "max"), let used = number(group + "current") else { return free }
  return min(free, max(most - used, 0))
}

/// Bytes of the disk that a folder is on which this process may still write; nil where the system does
/// not say.
package func freeDiskSpace(at folder: String) -> Int? {
  var status = statvfs()
  guard folder.withSystemPath({ statvfs($0, &status) }) == 0 else { return nil }
  return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
}
