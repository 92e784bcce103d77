import Datasets
import Evaluation
import MaskedAutoencoders

extension Finetuning {
  /// What is kept of a finished run.
  ///
  /// - Parameters:
  ///   - data: The set as the user named it.
  ///   - seconds: Training and validation, all sessions together.
  public func result(
    _ evaluation: EvaluationResult, data name: String, isFromScratch: Bool, seconds: Double
  ) -> RunResults.TrainedClassifier {
    RunResults.TrainedClassifier(
      protocolName: recipe.protocolName(isFromScratch: isFromScratch),
      blocks: recipe.trained.blocks, isFromScratch: isFromScratch, recipe: recipe.name, data: name,
      labelShare: Double(data.training.count) / Double(max(1, data.available)),
      epochs: Double(totalSteps) / Double(stepsPerEpoch), top1: evaluation.tally.top1,
      top5: evaluation.tally.top5, calibrationError: evaluation.calibration.expectedError,
      trainingImages: data.training.count, testImages: evaluation.tally.total,
      classes: data.classes.count, parameters: trainedCount, seconds: seconds,
      encoder: description.model.encoder.words,
      training: .init(blocks: recipe.trained.blocks, isFromScratch: isFromScratch),
      shape: description.model.encoder)
  }
}
