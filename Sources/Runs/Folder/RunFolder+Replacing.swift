import Datasets
import FileSystem
import Foundation
import Torch

/// How a run takes another one's place: what the folder held is moved aside inside it, goes when
/// the new run has its first checkpoint, and comes back when that run ends before it has one.
///
/// Every change of state is one rename, so that a process that is killed at any moment leaves a
/// folder that the next one can put in order.
extension RunFolder {
  /// Where the run is that is being replaced.
  enum Aside: String, CaseIterable {
    /// A part of it: it is on its way here, or on its way back.
    case part = ".replacing"
    /// All of it; a new run is under way.
    case whole = ".replaced"
    /// Nobody needs it any more.
    case discarded = ".discarded"

    func path(in folder: String) -> String { folder + "/" + rawValue }
    func exists(in folder: String) -> Bool { isFolder(path(in: folder)) }
  }

  /// Whether the run that this one is to replace can still be put back.
  public var holdsReplaced: Bool { Aside.whole.exists(in: path) }

  /// Where the run is that another one is taking the place of; nil where there is none.
  package static func replaced(in path: String) -> String? {
    Aside.whole.exists(in: path) ? Aside.whole.path(in: path) : nil
  }

  /// Puts a folder in order in which a run that was to replace another was killed: the run that was
  /// there is back unless the new one has a checkpoint.
  ///
  /// - Returns: Whether a run was put back. A folder that another program uses is left alone.
  public static func putBackReplaced(in path: String) throws -> Bool {
    guard Aside.allCases.contains(where: { $0.exists(in: path) }) else { return false }
    guard let lock = try FileLock(path + "/" + lockName) else { return false }
    defer { lock.release() }
    try? FileManager.default.removeItem(atPath: Aside.discarded.path(in: path))
    if latestCheckpoint(in: path).checkpoint != nil, Aside.whole.exists(in: path) {
      discardReplaced(in: path)
      return false
    }
    return try restoreReplaced(in: path)
  }

  /// Moves all that the folder holds aside.
  func moveAside() throws {
    let names = Self.ownNames(in: path)
    guard !names.isEmpty else { return }
    let aside = Aside.part.path(in: path)
    try makeFolder(aside)
    for name in names where rename(path + "/" + name, aside + "/" + name) != 0 {
      let error = FileError.system("cannot be moved aside", path + "/" + name, .failed)
      _ = try? Self.restoreReplaced(in: path)
      throw error
    }
    try synchronizeFolder(aside)
    guard rename(aside, Aside.whole.path(in: path)) == 0 else {
      throw FileError.system("cannot be moved aside", path, .failed)
    }
    try synchronizeFolder(path)
  }

  /// Removes for good what the folder held before, now that this run has something to show.
  package func discardReplaced() { Self.discardReplaced(in: path) }

  private static func discardReplaced(in path: String) {
    let discarded = Aside.discarded.path(in: path)
    guard rename(Aside.whole.path(in: path), discarded) == 0 else { return }
    try? FileManager.default.removeItem(atPath: discarded)
  }

  /// Puts back what the folder held before, in the place of what it holds now.
  ///
  /// - Returns: Whether there was something to put back.
  @discardableResult
  package static func restoreReplaced(in path: String) throws -> Bool {
    let (part, whole) = (Aside.part.path(in: path), Aside.whole.path(in: path))
    if Aside.whole.exists(in: path) {
      // What tells why a loss was not finite is named by the message of the run that failed.
      for name in ownNames(in: path) where !name.hasPrefix(notFinitePrefix) {
        try? FileManager.default.removeItem(atPath: path + "/" + name)
      }
      guard rename(whole, part) == 0 else {
        throw FileError.system("cannot be put back", whole, .failed)
      }
    }
    guard Aside.part.exists(in: path) else { return false }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: part)) ?? []
    for name in names where rename(part + "/" + name, path + "/" + name) != 0 {
      throw FileError.system("cannot be put back", part + "/" + name, .failed)
    }
    rmdir(part)
    return true
  }

  /// What is in the folder and part of a run.
  private static func ownNames(in path: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0 != lockName && Aside(rawValue: $0) == nil }
  }
}
