import Evaluation
import MaskedAutoencoders
public import Runs

extension RunResults.Evaluated {
  /// Records the evaluation of a labelled set.
  ///
  /// - Parameter top: The `k` besides 1.
  public init(_ result: EvaluationResult, top k: Int, model: String, data: String) {
    let tally = result.tally
    self.init(
      model: model, data: data, images: tally.total, broken: result.broken.count,
      imagesPerSecond: result.imagesPerSecond)
    top1 = tally.top1
    if k > 1, k < tally.classes { topK = [k: tally.accuracy(top: k)] }
    meanClassAccuracy = tally.confusion.meanClassAccuracy
    calibrationError = result.calibration.expectedError
    classes = tally.classes
  }

  /// Records the evaluation of a set of corruptions.
  public init(_ result: RobustnessEvaluation, model: String, data: String) {
    self.init(
      model: model, data: data, images: result.images, broken: result.broken.count,
      imagesPerSecond: result.imagesPerSecond)
    let scores = result.scores
    corruptionErrors = Dictionary(
      uniqueKeysWithValues: scores.corruptions.map { name in
        (name, CorruptionScores.severities.map { scores.error(of: name, severity: $0) })
      })
    meanError = scores.meanError
    meanCorruptionError = scores.meanCorruptionError
  }
}
