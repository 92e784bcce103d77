import FileSystem
import Foundation
import Runs
public import Torch

extension AblationPlan {
  /// The steps that are not done yet.
  func stepsToDo() throws(FileError) -> [AblationStep] {
    var left: [AblationStep] = []
    for step in steps where try step.record()?.result == nil { left.append(step) }
    return left
  }

  /// Refuses a machine that has not the memory for a step that is to come, or a disk that has not
  /// the room for all of them, before time is spent.
  ///
  /// - Parameters:
  ///   - memory: Bytes that there are, where tensors live in main memory.
  ///   - disk: Bytes that there are.
  /// - Throws: ``/Runs/RunFailure`` with what is needed, what there is and what to do.
  public func requireRoom(on device: Device, memory: Int? = nil, disk: Int? = nil) throws {
    let steps = try stepsToDo()
    let free = Double(memory ?? freeMemory())
    if device.kind == .cpu,
      let largest = steps.max(by: { $0.cost.memory < $1.cost.memory }),
      largest.cost.memory > free
    {
      throw RunFailure(
        .recipe,
        "\(largest.kind.words) of \(largest.row) takes about "
          + "\(Formatted.bytes(Int(largest.cost.memory))) of memory, and "
          + "\(Formatted.bytes(Int(free))) are free; \(Self.advice(largest, free))")
    }
    let needed = steps.reduce(0) { $0 + $1.cost.disk }
    guard let room = disk ?? freeDiskSpace(at: nearestFolder(settings.out)), needed > Double(room)
    else { return }
    throw RunFailure(
      .inputOutput,
      "\(settings.out) has \(Formatted.bytes(room)) of room left, and the \(steps.count) steps that are "
        + "to come keep about \(Formatted.bytes(Int(needed))) there; name a folder on another disk with "
        + "--out, or run some of the rows with --rows")
  }

  private static func advice(_ step: AblationStep, _ free: Double) -> String {
    guard let batch = step.cost.batch(fitting: free) else {
      return "take a smaller --scale, or a machine with more memory"
    }
    let option = ["--set", "--set-finetune", "--set-probe"][
      step.kind == .finetune ? 1 : step.kind == .probe ? 2 : 0]
    return "divide its steps with \(option) batch.size=\(batch.size) \(option) "
      + "batch.accumulation=\(batch.accumulation)"
  }

  /// The folder, or the nearest one above it that is there.
  private func nearestFolder(_ path: String) -> String {
    var path = canonicalPath(path)
    while !isFolder(path), path != "/" { path = splitPath(path).folder }
    return path
  }
}
