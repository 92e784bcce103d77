import DataParallel
import Datasets
import FileSystem
import Inference
import Recipes
import Runs

/// A linear classifier on the frozen features of an encoder, solved to the end, as a step.
struct ExactProbe {
  let settings: AblationPlan.Settings
  /// Images that it is fitted on; nil for all.
  let limit: Int?
  /// Decides which.
  let seed: UInt64
  /// The run folder of the encoder.
  let encoder: String
  /// The folder that the classifier is written to.
  let folder: String

  /// Fits, evaluates and keeps it.
  func perform(_ context: StepContext) throws -> StepResult? {
    let model = try LoadedModel(encoder, on: context.device)
    let splits = try LabelledSplits(
      settings.data, validation: settings.validation, labels: .init(), limit: limit, seed: seed)
    let evaluation: FrozenFeatureEvaluation
    do {
      evaluation = try FrozenFeatureEvaluation(
        model, method: .linearProbe(strength: 1),
        training: .init(splits.training, named: settings.names.data),
        validation: .init(
          splits.validation, named: settings.names.validation ?? settings.names.data),
        classes: splits.classes.count,
        labelShare: Double(splits.training.count) / Double(max(1, splits.available)),
        group: context.group)
    } catch is HelpersWorkIsDone {
      return nil
    }
    try evaluation.probe?.save(
      to: folder, on: model, pooling: .classToken, classes: splits.classes,
      trainedOn: splits.learned)
    let result = evaluation.result
    let title = [settings.names.data, limit.map { "\($0) images" }].compactMap(\.self)
      .joined(separator: ", ")
    try RunResults.update(encoder) { $0.probe[title] = result }
    return StepResult(
      top1: result.top1, trainingImages: result.trainingImages, testImages: result.testImages,
      seconds: result.seconds)
  }
}
