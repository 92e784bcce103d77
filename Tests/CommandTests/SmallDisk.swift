import Foundation
import Testing

/// A disk in memory that is soon full.
final class SmallDisk {
  private let path: String

  init(at path: String, kilobytes: Int) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try #require(
      Self.run("mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path), "mount")
  }

  deinit { _ = Self.run("umount", "-l", path) }

  func resize(kilobytes: Int) throws {
    try #require(Self.run("mount", "-o", "remount,size=\(kilobytes)k", path), "remount")
  }

  /// Leaves no room for anybody.
  func fill() {
    let file = path + "/filler"
    FileManager.default.createFile(atPath: file, contents: nil)
    guard let handle = FileHandle(forWritingAtPath: file) else { return }
    defer { try? handle.close() }
    for count in [1 << 16, 1 << 12, 1] {
      while (try? handle.write(contentsOf: Data(count: count))) != nil {}
    }
  }

  /// Lets nobody write any more.
  func freeze() throws { try #require(Self.run("mount", "-o", "remount,ro", path), "remount") }

  /// Whether this process may mount one.
  static let isAllowed: Bool = {
    let path = NSTemporaryDirectory() + "mae-disk-\(UUID())"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return (try? SmallDisk(at: path, kilobytes: 64)) != nil
  }()

  private static func run(_ command: String...) -> Bool {
    let process = try? Running(
      ["/usr/bin/env"] + command, in: "/", environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
      output: "/dev/null", errors: "/dev/null")
    return (try? process?.wait())?.status == 0
  }
}
