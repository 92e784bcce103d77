import FileSystem
import Foundation
public import Runs

extension TrainingSplit {
  /// What the run, or the probe, has learned from that a model was loaded from; nil where that is
  /// not known, and where the model is of neither.
  public init?(of model: LoadedModel) throws {
    let (steps, step) = model.source.folderAndName
    let (run, folder) = steps.folderAndName
    let isOfRun = step.hasPrefix("step-") && folder == "checkpoints"
    let own = Checkpoint(path: model.source)
    guard isOfRun || FileManager.default.fileExists(atPath: own.descriptionPath),
      let learned = try RunResults.read(isOfRun ? run : own.path).learned
    else { return nil }
    self = learned
  }
}
