import Datasets
public import FileSystem
import Foundation
import Synchronization
import Torch

/// The folder that holds everything about one run; the unit people keep.
public final class RunFolder: Sendable {
  /// What to do with a folder that has something in it.
  public enum Opening: Sendable {
    /// Refuse it.
    case new
    /// Replace the run in it: that one goes when the new one has its first checkpoint.
    case overwrite
    /// Go on in it.
    case resume
  }

  /// The folder.
  public let path: String
  /// Whether a run was in it.
  package let heldRun: Bool
  private let lock: FileLock

  /// Opens a folder for a run, and keeps other programs from opening it until this one is done.
  ///
  /// A run that is overwritten comes back when this one is let go without a checkpoint.
  ///
  /// - Throws: ``RunFailure`` when something is in it that the way of opening does not expect.
  public init(_ path: String, _ opening: Opening) throws {
    _ = try Self.putBackReplaced(in: path)
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let used = contents.contains { !$0.hasPrefix(".") && $0 != Self.lockName }
    let isRun = contents.contains("recipe.yaml")
    if used {
      switch opening {
      case .new:
        throw RunFailure(
          .refusedOutput,
          isRun
            ? "\(path) already holds a run; resume it with --resume, replace it by --overwrite, "
              + "or name another folder with --out"
            : "\(path) is not empty; name another folder with --out")
      case .overwrite where !isRun:
        throw RunFailure(
          .refusedOutput,
          "\(path) is not empty and holds no run (it has no recipe.yaml), so it is not "
            + "overwritten; name another folder with --out")
      case .resume where !isRun:
        throw RunFailure(
          .refusedOutput,
          "\(path) is not empty and holds no run to resume (it has no recipe.yaml)")
      case .overwrite, .resume: break
      }
    }
    try makeFolder(path)
    guard let lock = try FileLock(path + "/" + Self.lockName) else {
      throw RunFailure(.refusedOutput, "\(path) is in use by another mae at this moment")
    }
    // Only from here on is there something to let go: the folder is this run's.
    self.path = path
    self.lock = lock
    heldRun = isRun
    if opening == .overwrite, used { try moveAside() }
    removeTemporaries()
  }

  deinit {
    // The lock is let go with the last of the object, after this.
    if holdsReplaced { _ = try? Self.restoreReplaced(in: path) }
  }

  static let lockName = ".lock"
  package static let notFinitePrefix = "not-finite-step-"

  /// The options that resume the run.
  public var resumeOptions: String { "--out \(path.forShell) --resume" }

  /// The note for a run that is to be resumed and starts at its first step; nil for any other.
  package func warningAtStart(_ opening: Opening, at step: Int) -> String? {
    guard opening == .resume, step == 0 else { return nil }
    return heldRun
      ? "the run in \(path) has no whole checkpoint yet: starting it anew"
      : "no run in \(path) yet: starting a new one"
  }

  /// `recipe.yaml`: the complete resolved recipe.
  public var recipePath: String { path + "/recipe.yaml" }
  /// `metrics.jsonl`: one line of numbers now and then.
  public var metricsPath: String { path + "/metrics.jsonl" }
  /// `train.log`: what was said.
  public var logPath: String { path + "/train.log" }
  /// `results.json`: what commands found out about the run.
  public var resultsPath: String { path + "/results.json" }
  /// `report.html`: everything on one page.
  public var reportPath: String { path + "/report.html" }
  /// `reconstructions/`: pictures.
  public var picturesPath: String { path + "/reconstructions" }
  /// `checkpoints/`: one folder each.
  public var checkpointsPath: String { path + "/checkpoints" }

  /// The checkpoint of a step.
  public func checkpoint(at step: Int) -> Checkpoint {
    Checkpoint(path: "\(checkpointsPath)/step-\(step)")
  }

  /// Steps that have a checkpoint, in ascending order.
  public static func checkpointSteps(in run: String) -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")) ?? []
    return names.filter { $0.hasPrefix("step-") }.compactMap { Int($0.dropFirst(5)) }.sorted()
  }

  /// The newest checkpoint that is whole, and what is wrong with newer ones.
  public func latestCheckpoint() -> (checkpoint: Checkpoint?, skipped: [FileError]) {
    Self.latestCheckpoint(in: path)
  }

  /// The newest whole checkpoint of the run in a folder.
  static func latestCheckpoint(
    in run: String
  ) -> (checkpoint: Checkpoint?, skipped: [FileError]) {
    var skipped: [FileError] = []
    for step in checkpointSteps(in: run).reversed() {
      let checkpoint = Checkpoint(path: "\(run)/checkpoints/step-\(step)")
      do throws(FileError) {
        try checkpoint.verify()
        return (checkpoint, skipped)
      } catch {
        skipped.append(error)
      }
    }
    return (nil, skipped)
  }

  /// Removes all checkpoints but the newest ones.
  public func keepCheckpoints(_ count: Int) {
    for step in Self.checkpointSteps(in: path).dropLast(max(1, count)) {
      // Renamed first: a folder with the name of a checkpoint is always whole.
      let aside = "\(checkpointsPath)/\(Checkpoint.temporaryPrefix)step-\(step)-removed"
      if rename(checkpoint(at: step).path, aside) == 0 {
        try? FileManager.default.removeItem(atPath: aside)
      }
    }
  }

  /// Removes what a run that was killed in the middle of writing left behind.
  private func removeTemporaries() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath)) ?? []
    for name in names where name.hasPrefix(Checkpoint.temporaryPrefix) {
      try? FileManager.default.removeItem(atPath: checkpointsPath + "/" + name)
    }
  }
}
