import ArgumentParser
import DataParallel
import FileSystem
import Foundation
import RecipeSyntax
import Recipes
import Runs
import Torch
import Training

/// What every command that trains has in common: the run's folder, its recipe, and whether it is
/// resumed.
struct RunOptions: ParsableArguments {
  @Option(help: "A recipe's name or file; the run's own with --resume.")
  var recipe: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a field of the recipe by its path.", valueName: "path=value"))
  var settings: [String] = []

  @Flag(help: "Resume the run in the folder; where there is none, start one.")
  var resume = false

  @Flag(help: "Replace the run in the folder, once the new one has a checkpoint.")
  var overwrite = false

  @Option(help: "End this session after so many steps of the run; --resume continues.")
  var stopAfter: Int?

  @Option(
    name: .customLong("log"),
    help: ArgumentHelp(
      """
      Log to metrics.csv or to an MLflow server as well; may be repeated, and holds for sessions that \
      resume the run.
      """, valueName: "csv|mlflow=URL"),
    transform: { text in try LogDestination(parsing: text) })
  var logs: [LogDestination] = []

  @OptionGroup var compute: ComputeOptions

  @OptionGroup var processes: ProcessOptions

  func validate() throws {
    if resume, overwrite { throw ValidationError("--resume and --overwrite exclude each other") }
    if let stopAfter, stopAfter < 1 {
      throw ValidationError("--stop-after is \(stopAfter); expected at least 1")
    }
  }

  var opening: RunFolder.Opening { resume ? .resume : overwrite ? .overwrite : .new }

  /// Trains in a folder by the recipe that the options make.
  ///
  /// - Parameters:
  ///   - task: The kind of training.
  ///   - capturesSteps: Whether steps are captured as a graph where they can be.
  ///   - planned: Makes another recipe of it for a device, and says when the run is to end; for one
  ///     process.
  func train<Task: TrainingTask>(
    _ task: Task.Type, _ inputs: Task.Inputs, from book: RecipeBook<Task.Recipe>, out: String,
    capturesSteps: Bool = false,
    planned: ((Task.Recipe, Device) throws -> (Task.Recipe, ContinuousClock.Instant?))? = nil
  ) throws {
    // What is wrong with the recipe is said before other processes are waited for.
    let place = try Launch.from(environment: ProcessInfo.processInfo.environment)
    let isFirst = place?.rank ?? 0 == 0
    let recipe = isFirst ? try self.recipe(inputs, from: book, out: out) : book.standard
    try processes.work(compute) { group, device in
      Interrupts.install()
      let (recipe, deadline) =
        group.isSingle ? try planned?(recipe, device) ?? (recipe, nil) : (recipe, nil)
      let run = try TrainingRun<Task>(
        recipe, inputs,
        TrainingRun<Task>.Settings(
          out: out, opening: opening, device: device, stopAfter: stopAfter, group: group,
          deadline: deadline, capturesSteps: capturesSteps))
      let shouldStop = { Interrupts.requested != nil }
      if group.isFirst {
        try TrainingSession(run, logs: logs, terminal: .attached(to: 1), print: say, warn: mae.warn)
          .run(shouldStop: shouldStop)
      } else {
        try FollowingSession(run).run(shouldStop: shouldStop)
      }
    }
  }

  /// The recipe of a new run or of the one that is resumed.
  private func recipe<Recipe: TrainingRecipe>(
    _ inputs: some TrainingInputs, from book: RecipeBook<Recipe>, out: String
  ) throws -> Recipe {
    if try RunFolder.putBackReplaced(in: out) {
      warn(
        "note: the run that \(out) held is back; the one that was to replace it ended before its "
          + "first checkpoint")
    }
    try RunFolder.requireSameKind(at: out, opening, as: inputs.kind)
    let isResumed = resume && FileManager.default.fileExists(atPath: out + "/recipe.yaml")
    return try book.resolve(
      recipe, settings: settings, resuming: isResumed ? out : nil
    ) { renamed in
      warn("note: \(renamed)")
    }
  }
}
