import FileSystem
import Recipes
import Runs
public import Datasets
public import Evaluation
import MaskedAutoencoders
import Torch

/// What a classifier makes of a labelled set.
public struct ClassifierEvaluation: Sendable {
  /// First guesses, guesses among the first few, which class was taken for which, and calibration.
  public let scores: SubsetScores
  /// Images that could not be decoded and are not counted.
  public let broken: [UndecodableImage]
  /// What was assumed about the classes, each as a sentence.
  public let remarks: [String]
  /// Seconds it took, reading and decoding included.
  public let seconds: Double

  /// Images judged in a second.
  public var imagesPerSecond: Double { seconds > 0 ? Double(scores.tally.total) / seconds : 0 }

  /// Shows a set to a classifier, in order and without augmentation. Classes are matched by name.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - competing: Which classes compete.
  ///   - progress: Called with the number of images done since the last call.
  /// - Throws: ``RunFailure`` where the model is no classifier, the set has no classes, or one that the
  ///   model does not know, or none of its images can be decoded.
  public init(
    of images: any ImageDataset, named name: String, by pass: ImagePass,
    competing: ClassMatching.Competing = .all, progress: (Int) -> Void = { _ in }
  ) throws {
    let classifier = try pass.model.requireClassifier()
    let matching = try Self.matching(images, name, pass.model, competing)
    let start = ContinuousClock.now
    var scores = SubsetScores(matching.subset)
    var broken: [UndecodableImage] = []
    try pass.run(over: images, named: name, computing: { classifier($0) }) { part in
      broken += part.broken
      if let rows = part.rows {
        scores.add(logits: rows.floats(), labels: part.labels.map { matching.numbers[$0] })
      }
      progress(part.indices.count + part.broken.count)
    }
    guard scores.tally.total > 0 else { throw Features.nothingToSee(in: name, broken) }
    self.scores = scores
    self.broken = broken
    remarks = matching.remarks
    seconds = FileSystem.seconds(since: start)
  }

  private static func matching(
    _ images: any ImageDataset, _ name: String, _ model: LoadedModel,
    _ competing: ClassMatching.Competing
  ) throws(RunFailure) -> ClassMatching {
    guard let own = images.classes else {
      throw RunFailure(
        .badData,
        "\(name) has no classes: expected a subfolder for each class, a list with classes, or an "
          + "IDX set with labels")
    }
    var used = [Bool](repeating: false, count: own.count)
    for index in 0..<images.count {
      guard let label = images.label(of: index), used.indices.contains(label) else {
        throw RunFailure(
          .badData,
          "\(name): \(images.name(of: index)) has no class; expected one for every image")
      }
      used[label] = true
    }
    return try ClassMatching(
      own, used: used, known: model.description.classifier?.classNames ?? [],
      competing: competing, name: name)
  }
}
