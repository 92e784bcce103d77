public import Datasets
public import Evaluation
import FileSystem
import MaskedAutoencoders
import Recipes

/// A classifier's errors on ImageNet-C, or a set of its layout, by corruption and severity.
public struct RobustnessEvaluation: Sendable {
  /// The errors, and their mean relative to AlexNet's.
  public let scores: CorruptionScores
  /// Images evaluated, of all parts.
  public let images: Int
  /// Images that could not be decoded and are not counted.
  public let broken: [UndecodableImage]
  /// What was assumed about the classes, each as a sentence.
  public let warnings: [String]
  /// Seconds it took, reading and decoding included.
  public let seconds: Double

  /// Images evaluated in a second.
  public var imagesPerSecond: Double { seconds > 0 ? Double(images) / seconds : 0 }

  /// Runs a classifier over all parts of a set.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - progress: Called with the number of images done since the last call.
  ///   - brokenLimit: How many images of each part may be left out because they cannot be decoded.
  ///   - evaluated: Called with each part when it is done.
  /// - Precondition: The set is one of corruptions.
  public init(
    of set: RobustnessSet, named name: String, by pass: BatchInference,
    brokenLimit: BrokenLimit = .standard, progress: (Int) -> Void = { _ in },
    evaluated: (RobustnessSet.Part, EvaluationResult) -> Void = { _, _ in }
  ) throws {
    precondition(set.kind == .corruptions, "\(name) has no corruptions")
    var scores = CorruptionScores()
    var (images, broken, warnings) = (0, [UndecodableImage](), [String]())
    let start = ContinuousClock.now
    for part in set.parts {
      guard let corruption = part.corruption, let severity = part.severity else { continue }
      let result = try EvaluationResult(
        of: try set.dataset(of: part), named: part.path, by: pass,
        brokenLimit: brokenLimit, progress: progress)
      scores.set(result.scores.tally, of: corruption, severity: severity)
      images += result.scores.tally.total
      broken += result.broken
      if warnings.isEmpty { warnings = result.warnings }
      evaluated(part, result)
    }
    self.scores = scores
    self.images = images
    self.broken = broken
    self.warnings = warnings
    seconds = (ContinuousClock.now - start) / .seconds(1)
  }
}
