import DataParallel
import FileSystem
import Foundation
import Recipes
import Runs
import Training

/// Runs an ablation: its steps in order, those that are done left out, and its results written anew
/// after each.
public struct AblationRun {
  private let plan: AblationPlan
  private let context: StepContext

  /// Takes a plan.
  public init(_ plan: AblationPlan, _ context: StepContext) {
    self.plan = plan
    self.context = context
  }

  /// Runs what is not done yet.
  ///
  /// - Returns: The results of all rows.
  /// - Throws: `Interruption` when it was asked to stop; what training and evaluation throw. What was
  ///   done stays, and running again goes on from there.
  @discardableResult
  public func run() throws -> AblationResults {
    try refuseFolderOfData()
    if context.group.isFirst { try plan.requireRoom(on: context.device) }
    for (number, step) in plan.steps.enumerated() {
      let isDone = try context.group.share {
        try step.record()?.result == nil ? "" : "done"
      }
      if isDone == "done" {
        say(number, step, try step.record()?.result, isNew: false)
        continue
      }
      if context.group.isFirst { try step.write(nil) }
      if context.isVerbose { context.print("== \(title(number, step))\n") }
      let result = try perform(step, number)
      guard context.group.isFirst else { continue }
      try step.write(result)
      say(number, step, result, isNew: true)
      try AblationResults(plan).write(to: plan)
    }
    let results = try AblationResults(plan)
    if context.group.isFirst { try results.write(to: plan) }
    return results
  }

  private func perform(_ step: AblationStep, _ number: Int) throws -> StepResult? {
    do {
      return try step.perform(context)
    } catch is Interruption {
      throw Interruption(
        message: "stopped in step \(number + 1) of \(plan.steps.count), \(step.kind.words) of "
          + "\(step.row); what is done is safe in \(plan.settings.out), and the same command goes on "
          + "from there")
    }
  }

  /// Refuses a folder inside the images, which would become images itself.
  private func refuseFolderOfData() throws(RunFailure) {
    let out = canonicalPath(plan.settings.out)
    for set in [plan.settings.data, plan.settings.validation].compactMap(\.self)
    where isFolder(set) && canonicalPath(set).holds(out) {
      throw RunFailure(
        .refusedOutput,
        "\(plan.settings.out) is inside \(set), whose images are learned from; name a folder outside of "
          + "it with --out")
    }
  }

  private func title(_ number: Int, _ step: AblationStep) -> String {
    "\(number + 1) of \(plan.steps.count)  "
      + "\(step.row)  \(step.kind.words)"
  }

  private func say(_ number: Int, _ step: AblationStep, _ result: StepResult?, isNew: Bool) {
    guard context.group.isFirst, let result else { return }
    func cell(_ text: String, _ width: Int) -> String {
      text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
    }
    let value =
      result.top1.map { "top-1 \(Formatted.fixed(100 * $0, 2)) %" }
      ?? result.loss.map { "loss \(Formatted.fixed($0, 4))" }
      ?? result.secondsPerStep.map { "\(Formatted.fixed(1000 * $0, 1)) ms a step" } ?? ""
    let widest = plan.steps.map(\.row.count).max() ?? 0
    let time = isNew ? Formatted.duration(result.seconds) : "done before"
    context.print(
      cell("\(number + 1)/\(plan.steps.count)", 8) + cell(step.row, widest + 2)
        + cell(step.kind.words, 16) + cell(value, 18) + time + "\n")
  }
}
