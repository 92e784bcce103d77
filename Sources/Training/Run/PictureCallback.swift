import FileSystem
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
      try logger.add(picture: picture.png, named: picture.name, epoch: step.epochs)
    }
  }
}

/// Validates now and then during training; the last validation is the session's own.
final class ValidationCallback: TrainingCallback {
  private let every: Int
  private let totalSteps: Int
  private let validate: (Int) throws -> Void

  /// - Parameters:
  ///   - every: Steps between two validations.
  ///   - totalSteps: The last step, whose validation is left to the session.
  ///   - validate: Called with the step.
  init(every: Int, before totalSteps: Int, _ validate: @escaping (Int) throws -> Void) {
    self.every = every
    self.totalSteps = totalSteps
    self.validate = validate
  }

  func stepTaken(_ step: StepReport) throws {
    guard every > 0, step.step % every == 0, step.step < totalSteps else { return }
    try validate(step.step)
  }
}
