public import DataParallel
public import Datasets
import Evaluation
import FileSystem
import MaskedAutoencoders
public import Runs
import TorchOptim

/// A process that is not the first of its group has computed its part and is needed no more.
public struct HelpersWorkIsDone: Error {}

/// How good an encoder's features are as they are: both splits of a labelled set are embedded by
/// the frozen encoder, a classifier is fitted on the features of the one and evaluated on those of
/// the other.
public struct FrozenFeatureEvaluation {
  /// A classifier on frozen features.
  public enum Method: Hashable, Sendable {
    /// The votes of the nearest neighbours; nothing is fitted.
    case nearestNeighbours(NearestNeighbours)
    /// Softmax regression, with the weight of the data C.
    case linearProbe(strength: Double)

    /// `kNN` or `linear probe`.
    public var name: String {
      switch self {
      case .nearestNeighbours: "kNN"
      case .linearProbe: "linear probe"
      }
    }
  }

  /// A labelled set with the name that messages call it by.
  public struct Split {
    let images: any ImageDataset
    let name: String

    /// Names a set, whose every image has a class.
    public init(_ images: any ImageDataset, named name: String) {
      self.images = images
      self.name = name
    }
  }

  /// Accuracies, counts and settings, as a run's results keep them.
  public let result: RunResults.Classification
  /// The classifier that was fitted; nil for nearest neighbours.
  public let probe: LinearProbe?
  /// Images of both splits that could not be decoded and are not counted.
  public let broken: [UndecodableImage]
  /// What a user may not expect of the settings, each as a sentence.
  public let warnings: [String]

  /// Embeds both splits, fits the classifier and evaluates it.
  ///
  /// - Parameters:
  ///   - model: The encoder.
  ///   - classes: Number of classes, `K`; labels are 0..<K.
  ///   - labelShare: Share of the training split's labels that is used, for the result.
  ///   - batch: Images embedded at a time, see ``BatchInference``; nil for what is fastest.
  ///   - brokenLimit: How many images of each split may be left out because they cannot be decoded.
  ///   - group: The processes that share the images. The first one has the result; the others throw
  ///     ``HelpersWorkIsDone`` when there is nothing left to compute.
  ///   - progress: Called with the name of a split, the number of its images done and of all of
  ///     them; with all of them twice when it is done.
  /// - Throws: ``/Runs/RunFailure`` where the features do not fit into memory, before they are
  ///   computed; `DatasetError` where too many images cannot be decoded.
  public init(
    _ model: LoadedModel, method: Method, training: Split, validation: Split, classes: Int,
    pooling: Features.Pooling = .classToken, labelShare: Double = 1, batch: Int? = nil,
    brokenLimit: BrokenLimit = .standard, group: DataParallelGroup = .single,
    progress: (_ name: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws {
    let start = ContinuousClock.now
    try FeatureMemory(
      training: training.images.count, validation: validation.images.count,
      width: model.description.model.encoder.width, classes: classes, method: method
    ).require(free: freeMemory(), named: training.name)
    func embed(_ split: Split) throws -> Features {
      let count = split.images.count
      return try Features(
        of: split.images, named: split.name, by: model, pooling: pooling, batch: batch,
        brokenLimit: brokenLimit, group: group
      ) { progress(split.name, $0, count) }
    }
    let known = try embed(training)
    let asked = try embed(validation)
    guard group.isFirst else { throw HelpersWorkIsDone() }
    var tally = TopKAccuracy(classes: classes)
    func count(_ scores: [Float], _ rows: Range<Int>) {
      tally.add(scores: scores, labels: Array(asked.labels[rows]))
    }
    let settings: String
    switch method {
    case .nearestNeighbours(var neighbours):
      let wanted = neighbours.count
      neighbours.count = min(wanted, known.labels.count)
      warnings =
        neighbours.count < wanted
        ? [
          "\(wanted) neighbours are to vote and there are \(neighbours.count) images to learn from: "
            + "all of them vote"
        ] : []
      probe = nil
      settings = "k \(neighbours.count), temperature \(neighbours.temperature)"
      neighbours.forEachScores(for: asked.rows, from: known, classes: classes, count)
    case .linearProbe(let strength):
      let fitted = LinearProbe(known, classes: classes, strength: strength)
      warnings = []
      probe = fitted
      settings = "L-BFGS, C \(strength), \(fitted.outcome.iterations) iterations"
      fitted.forEachScores(for: asked.rows, count)
    }
    broken = known.broken + asked.broken
    result = RunResults.Classification(
      top1: tally.top1, top5: tally.top5, trainingImages: known.labels.count,
      testImages: asked.labels.count, classes: classes,
      settings: "\(settings), \(pooling.rawValue)",
      seconds: (ContinuousClock.now - start) / .seconds(1), labelShare: labelShare)
  }
}

extension FrozenFeatureEvaluation {
  /// The result as a line for people.
  ///
  /// - Parameter labels: Which of the labels were used, in words; nil for all.
  public func line(_ method: Method, labels: String?) -> String {
    let top5 = result.classes > 5 ? ", top-5 \(Formatted.fixed(result.top5 * 100, 2)) %" : ""
    return "\(method.name): top-1 \(Formatted.fixed(result.top1 * 100, 2)) %\(top5) of "
      + "\(result.testImages) images, learned from \(result.trainingImages)"
      + (labels.map { ", \($0)" } ?? "")
      + " (\(result.settings), \(Formatted.duration(result.seconds)))"
  }
}
