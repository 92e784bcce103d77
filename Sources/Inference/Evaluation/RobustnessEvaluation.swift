import FileSystem
import MaskedAutoencoders
import Recipes
public import Datasets
public import Evaluation

/// What a classifier makes of ImageNet-C or a set of its layout: errors by corruption and severity.
public struct RobustnessEvaluation: Sendable {
  /// The errors, and their mean relative to AlexNet's.
  public let scores: CorruptionScores
  /// Images judged, of all parts.
  public let images: Int
  /// Images that could not be decoded and are not counted.
  public let broken: [UndecodableImage]
  /// What was assumed about the classes, each as a sentence.
  public let remarks: [String]
  /// Seconds it took, reading and decoding included.
  public let seconds: Double

  /// Images judged in a second.
  public var imagesPerSecond: Double { seconds > 0 ? Double(images) / seconds : 0 }

  /// Shows all parts of a set to a classifier.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - progress: Called with the number of images done since the last call.
  ///   - judged: Told of each part when it is done.
  /// - Precondition: The set is one of corruptions.
  public init(
    of set: RobustnessSet, named name: String, by pass: ImagePass,
    progress: (Int) -> Void = { _ in },
    judged: (RobustnessSet.Part, ClassifierEvaluation) -> Void = { _, _ in }
  ) throws {
    precondition(set.kind == .corruptions, "\(name) has no corruptions")
    var scores = CorruptionScores()
    var (images, broken, remarks) = (0, [UndecodableImage](), [String]())
    let start = ContinuousClock.now
    for part in set.parts {
      guard let corruption = part.corruption, let severity = part.severity else { continue }
      let result = try ClassifierEvaluation(
        of: try set.dataset(of: part), named: part.path, by: pass, progress: progress)
      scores.set(result.scores.tally, of: corruption, severity: severity)
      images += result.scores.tally.total
      broken += result.broken
      if remarks.isEmpty { remarks = result.remarks }
      judged(part, result)
    }
    self.scores = scores
    self.images = images
    self.broken = broken
    self.remarks = remarks
    seconds = FileSystem.seconds(since: start)
  }
}
