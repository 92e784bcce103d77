import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The machine that benchmarks run on.
public enum Machine {
  /// Its processor, cores, memory and system, for the head of every table:
  /// `AMD EPYC 7763 64-Core Processor, 2 cores, 24 GiB, Ubuntu 24.04.1 LTS`.
  public static var name: String {
    let information = ProcessInfo.processInfo
    let memory = Int((Double(information.physicalMemory) / 0x1p30).rounded())
    return [
      processor ?? "unknown processor", "\(information.activeProcessorCount) cores",
      "\(memory) GiB", system,
    ].joined(separator: ", ")
  }

  /// Bytes of memory that this process has in use now; 0 where the system does not say.
  public static var residentBytes: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
      return 0
    }
    let fields = text.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
  }

  private static var processor: String? {
    #if canImport(Darwin)
      var size = 0
      sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
      var bytes = [UInt8](repeating: 0, count: size)
      guard sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0) == 0 else { return nil }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      return value(of: "model name", in: text, separator: ":")
    #endif
  }

  private static var system: String {
    let text = try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)
    return value(of: "PRETTY_NAME", in: text, separator: "=")
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }

  /// The value of the first line that starts with a key.
  static func value(of key: String, in text: String?, separator: Character) -> String? {
    for line in (text ?? "").split(separator: "\n") where line.hasPrefix(key) {
      guard let place = line.firstIndex(of: separator) else { continue }
      let quotes = CharacterSet.whitespaces.union(CharacterSet(charactersIn: "\""))
      return line[line.index(after: place)...].trimmingCharacters(in: quotes)
    }
    return nil
  }
}
