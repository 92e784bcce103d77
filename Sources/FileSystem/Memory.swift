import Foundation

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

/// Bytes of memory that programs can have without others being pushed out, as far as the system
/// says; else half of all.
package func freeMemory() -> Int {
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
