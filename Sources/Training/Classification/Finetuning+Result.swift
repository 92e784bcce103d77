import Recipes
import FileSystem
public import Inference
public import Runs
import Datasets
import Evaluation
import MaskedAutoencoders

extension Finetuning {
  /// What is kept of a finished run.
  ///
  /// - Parameters:
  ///   - data: The set as the user named it.
  ///   - seconds: Training and judging, all sessions together.
  public func result(
    _ judgement: Judgement, data name: String, isFromScratch: Bool, seconds: Double
  ) -> RunResults.TrainedClassifier {
    RunResults.TrainedClassifier(
      protocolName: recipe.protocolName(isFromScratch: isFromScratch),
      blocks: recipe.trained.blocks, isFromScratch: isFromScratch, recipe: recipe.name, data: name,
      labelShare: Double(data.training.count) / Double(max(1, data.available)),
      epochs: Double(totalSteps) / Double(stepsPerEpoch), top1: judgement.tally.top1,
      top5: judgement.tally.top5, calibrationError: judgement.calibration.expectedError,
      trainingImages: data.training.count, testImages: judgement.tally.total,
      classes: data.classes.count, parameters: trainedCount, seconds: seconds,
      encoder: description.model.encoder.words)
  }
}
