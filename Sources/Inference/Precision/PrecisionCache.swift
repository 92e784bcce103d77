import Datasets
import FileSystem
import Foundation
import Torch

/// Measurements of ``PrecisionChoice`` that took long, in a file of the user's: each of a machine, a
/// libtorch, a program and a piece of work. A file that cannot be read or written is no error: then
/// it is measured again.
package struct PrecisionCache: Sendable {
  /// What a measurement is of.
  struct Key: Codable, Hashable, Sendable {
    /// The processor, the threads and the device.
    let machine: String
    let libtorch: String
    /// When the program was built: another may have other kernels.
    let program: String
    /// What computes a transformer block in float32.
    let blocks: String
    let work: String

    init(work: String, device: Device) {
      machine = Self.machine(device)
      libtorch = Engine.version
      program = Self.program
      blocks = KernelChoice.current.blocks.rawValue
      self.work = work
    }

    private static let program: String = {
      let path = Bundle.main.executablePath ?? CommandLine.arguments[0]
      let facts = try? FileManager.default.attributesOfItem(atPath: path)
      return (facts?[.modificationDate] as? Date).map { "\(Int($0.timeIntervalSince1970))" } ?? ""
    }()

    private static func machine(_ device: Device) -> String {
      // Machines with the same processor may have other GPUs.
      let host =
        device.kind == .cpu && !processor.isEmpty ? [] : [ProcessInfo.processInfo.hostName]
      return (host + [processor, "\(Engine.threads) threads", "\(device)"])
        .filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// The processor's name and numbers; empty where the system does not say.
    static let processor: String = {
      let about = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      let lines = about.split(separator: "\n")
      let names = ["model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part"]
      return names.compactMap { name in
        lines.first { $0.split(separator: "\t").first.map(String.init) == name }?
          .split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
      }.joined(separator: ", ")
    }()
  }

  private struct Entry: Codable {
    var key: Key
    var times: PrecisionChoice.Times
  }

  /// The file.
  package let path: String
  /// Seconds that a measurement has to take to be kept.
  var secondsWorthKeeping = 1.0
  /// Measurements that are kept at most, the latest.
  private static let most = 64

  package init(path: String) { self.path = path }

  /// `precision.json` in the user's folder.
  package static var standard: PrecisionCache {
    PrecisionCache(path: DatasetCatalog.cacheFolder + "/precision.json")
  }

  private var entries: [Entry] { (try? JSONFile.read([Entry].self, from: path)) ?? [] }

  /// How many measurements there are.
  package var count: Int { entries.count }

  func times(of key: Key) -> PrecisionChoice.Times? {
    let times = entries.last { $0.key == key }?.times
    return times.flatMap { $0.float32 > 0 && $0.bfloat16 > 0 ? $0 : nil }
  }

  func keep(_ times: PrecisionChoice.Times, of key: Key, taken seconds: Double) {
    guard seconds >= secondsWorthKeeping else { return }
    let folder = (path as NSString).deletingLastPathComponent
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let others = entries.filter { $0.key != key }.suffix(Self.most - 1)
    try? JSONFile.write(others + [Entry(key: key, times: times)], to: path)
  }
}
