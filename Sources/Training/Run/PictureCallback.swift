import FileSystem
import Recipes
import Runs

/// Draws a task's pictures now and then, to watch a model learn: `reconstructions/step-N.png`.
final class PictureCallback<Task: TrainingTask>: TrainingCallback {
  private let run: TrainingRun<Task>
  private let every: Int
  private let logger: RunLogger
  private var drawnAt: Int?

  /// - Parameter every: Steps between two sets of pictures.
  init(_ run: TrainingRun<Task>, every: Int, logger: RunLogger) {
    self.run = run
    self.every = every
    self.logger = logger
  }

  func stepTaken(_ step: StepReport) throws {
    guard every > 0, step.step % every == 0 || step.step == step.totalSteps, drawnAt != step.step
    else { return }
    drawnAt = step.step
    for picture in try run.task.pictures(epoch: step.epochs) {
      let folder = "\(run.folder.path)/\(picture.name)"
      try makeFolder(folder)
      try replaceFile(at: "\(folder)/step-\(step.step).png") { (file) throws(FileError) in
        try file.write(picture.png)
      }
      logger.add(picture: "\(picture.name)/step-\(step.step).png")
      try logger.add(picture: picture.png, named: picture.name, epoch: step.epochs)
    }
  }
}

/// Validates now and then during training; the last validation is the session's own. Every process
/// of a run does so at the same steps.
final class ValidationCallback<Task: TrainingTask>: TrainingCallback {
  private let run: TrainingRun<Task>
  private let every: Int
  private let found: (Int, [Metric]) -> Void

  /// Gives nothing for a recipe that validates at the end only.
  ///
  /// - Parameter found: Called with the step and how well the model does.
  init?(_ run: TrainingRun<Task>, _ found: @escaping (Int, [Metric]) -> Void) {
    guard let epochs = run.task.recipe.validateEveryEpochs, epochs > 0 else { return nil }
    self.run = run
    self.found = found
    every = epochs * run.stepsPerEpoch
  }

  func stepTaken(_ step: StepReport) throws {
    guard step.step % every == 0, step.step < run.totalSteps else { return }
    found(step.step, try run.validate())
  }
}
