public import Datasets
public import Evaluation
import FileSystem
import MaskedAutoencoders
import Recipes
import Runs
import Torch

/// How well a classifier does on a labelled set: the one evaluation that fine-tuning and
/// `mae evaluate` share.
public struct EvaluationResult: Sendable {
  /// First predictions, predictions among the first few, which class was taken for which, and
  /// calibration, among the classes that compete.
  public let scores: SubsetScores
  /// Images that could not be decoded and are not counted.
  public let broken: [UndecodableImage]
  /// What was assumed about the classes, each as a sentence.
  public let warnings: [String]
  /// Seconds it took, reading and decoding included.
  public let seconds: Double

  /// Counts of right and wrong predictions.
  public var tally: TopKAccuracy { scores.tally }
  /// How far the probabilities are those of being right.
  public var calibration: Calibration { scores.calibration }
  /// Images evaluated in a second.
  public var imagesPerSecond: Double { seconds > 0 ? Double(tally.total) / seconds : 0 }

  /// Runs a classifier over a labelled set, in order and without augmentation. Classes are matched
  /// by name.
  ///
  /// - Parameters:
  ///   - name: What the set is called in messages.
  ///   - competing: Which classes compete.
  ///   - brokenLimit: How many images may be left out because they cannot be decoded.
  ///   - progress: Called with the number of images done since the last call.
  /// - Throws: ``/Runs/RunFailure`` where the model is no classifier, the set has no classes, or
  ///   one that the model does not know, or none of its images can be decoded; `DatasetError` where
  ///   too many cannot.
  public init(
    of images: any ImageDataset, named name: String, by inference: BatchInference,
    competing: ClassMatching.Competing = .all, brokenLimit: BrokenLimit = .standard,
    progress: (Int) -> Void = { _ in }
  ) throws {
    _ = try inference.model.requireClassifier()
    guard let own = images.classes else {
      throw RunFailure(
        .badData,
        "\(name) has no classes: expected a subfolder for each class, a list with classes, or an "
          + "IDX set with labels")
    }
    let matching = try ClassMatching(
      own, used: try Self.used(own.count, in: images, name),
      known: inference.model.description.classifier?.classNames ?? [],
      competing: competing, name: name)
    try self.init(
      of: images, named: name, by: inference, matching: matching, brokenLimit: brokenLimit,
      progress: progress)
  }

  /// Runs a classifier over a set whose labels are matched with the classifier's classes already.
  ///
  /// - Parameter matching: What a label of the set means; every label must be one of its numbers.
  public init(
    of images: any ImageDataset, named name: String, by inference: BatchInference,
    matching: ClassMatching, brokenLimit: BrokenLimit = .standard,
    progress: (Int) -> Void = { _ in }
  ) throws {
    _ = try inference.model.requireClassifier()
    let start = ContinuousClock.now
    var scores = SubsetScores(matching.subset)
    var broken = brokenLimit.counter(of: images.count)
    try inference.run(over: images, named: name, computing: { $0.logits(of: $1) }) { part in
      try broken.add(part.broken, of: name, count: images.count)
      if let rows = part.rows {
        scores.add(logits: rows.floats(), labels: part.labels.map { matching.numbers[$0] })
      }
      progress(part.indices.count + part.broken.count)
    }
    guard scores.tally.total > 0 else { throw RunFailure.nothingToSee(in: name, broken.found) }
    self.scores = scores
    self.broken = broken.found
    warnings = matching.warnings
    seconds = (ContinuousClock.now - start) / .seconds(1)
  }

  /// Which of a set's classes some image has.
  private static func used(
    _ count: Int, in images: any ImageDataset, _ name: String
  ) throws(RunFailure) -> [Bool] {
    var used = [Bool](repeating: false, count: count)
    for index in 0..<images.count {
      guard let label = images.label(of: index), used.indices.contains(label) else {
        throw RunFailure(
          .badData,
          "\(name): \(images.name(of: index)) has no class; expected one for every image")
      }
      used[label] = true
    }
    return used
  }
}

extension LoadedModel {
  /// The logits of images `[B, C, H, W]`, normalised: `[B, K]`.
  ///
  /// - Precondition: The model is a classifier.
  func logits(of images: Tensor) -> Tensor {
    guard let classifier else { preconditionFailure("logits of a model without a head") }
    return classifier(images)
  }
}
