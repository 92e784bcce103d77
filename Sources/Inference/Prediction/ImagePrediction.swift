public import Datasets
import MaskedAutoencoders
import Recipes
import Runs
import Torch

/// The classes that a classifier predicts for one image.
public struct ImagePrediction: Sendable {
  /// The image's path or name.
  public let image: String
  /// The most probable classes, the most probable first; empty where the image could not be
  /// decoded.
  public let topK: [Prediction]
  /// Why it could not be decoded; nil where it could.
  public let problem: String?

  /// Records predictions.
  public init(image: String, topK: [Prediction]) {
    self.image = image
    self.topK = topK
    problem = nil
  }

  /// Records why there are none.
  public init(image: String, problem: String) {
    self.image = image
    topK = []
    self.problem = problem
  }
}

/// Predicts the classes of images with a classifier.
public struct Predictor {
  private let inference: BatchInference
  private let labels: [String]
  /// How many classes are predicted for each image.
  public let top: Int

  /// Takes a loaded classifier.
  ///
  /// - Parameter top: How many classes are predicted for each image, the most probable first.
  /// - Throws: ``/Runs/RunFailure`` where the model is none.
  public init(_ inference: BatchInference, top: Int = 5) throws {
    precondition(top >= 1, "the first \(top) classes")
    _ = try inference.model.requireClassifier()
    self.inference = inference
    labels = inference.model.description.classifier?.classNames ?? []
    self.top = min(top, labels.count)
  }

  /// Goes through a set in order and hands over the predictions for some images at a time, those
  /// that could not be decoded among them.
  ///
  /// - Returns: How many images could be decoded.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String,
    each body: ([ImagePrediction]) throws -> Void
  ) throws -> Int {
    try inference.run(over: images, named: name, computing: { $0.logits(of: $1) }) { part in
      let logits: [Float] = part.rows?.floats() ?? []
      let width = part.rows?.shape.last ?? 0
      let predictions = part.outcomes.map { index, outcome in
        let name = images.name(of: index)
        switch outcome {
        case .broken(let reason): return ImagePrediction(image: name, problem: reason)
        case .row(let row):
          let own = logits[row * width..<(row + 1) * width]
          return ImagePrediction(
            image: name, topK: Prediction.topK(top, of: own, labels: labels))
        }
      }
      try body(predictions)
    }
  }

  /// The counts of a pass over a source of images.
  public struct Outcome {
    /// Images that could be decoded.
    public internal(set) var count = 0
    /// Images that could not.
    public internal(set) var broken = 0
    fileprivate var examples: [UndecodableImage] = []
    fileprivate let limit: BrokenLimit

    /// Refuses a pass in which no image could be decoded, or fewer than must be.
    ///
    /// - Throws: ``/Runs/RunFailure`` or `DatasetError` that names some of the broken images.
    public func check() throws {
      try limit.requireSome(count, broken: broken, examples: examples, named: "the images")
    }
  }

  /// Goes through all images of a source in order and hands over the predictions for some images at
  /// a time, those that could not be decoded among them.
  ///
  /// - Parameter brokenLimit: How many images may be left out, for ``Outcome/check()``.
  public func run(
    over source: ImageSource, brokenLimit: BrokenLimit = .none,
    each body: ([ImagePrediction]) throws -> Void
  ) throws -> Outcome {
    var outcome = Outcome(limit: brokenLimit)
    try source.forEachPart { part in
      outcome.count += try run(over: part.images, named: part.name) { predictions in
        for case (let image, let problem?) in predictions.map({ ($0.image, $0.problem) }) {
          if outcome.examples.count < 3 {
            outcome.examples.append(UndecodableImage(index: 0, name: image, reason: problem))
          }
          outcome.broken += 1
        }
        try body(predictions)
      }
    }
    return outcome
  }
}
