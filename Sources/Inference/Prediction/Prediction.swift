import Runs
import Recipes
public import Datasets
import MaskedAutoencoders
import Torch

/// What a classifier says of one image.
public struct Prediction: Sendable {
  /// The image's path or name.
  public let image: String
  /// The likeliest classes, the likeliest first; empty where the image could not be decoded.
  public let guesses: [Guess]
  /// Why it could not be decoded; nil where it could.
  public let problem: String?

  /// Records what was said.
  public init(image: String, guesses: [Guess]) {
    self.image = image
    self.guesses = guesses
    problem = nil
  }

  /// Records why nothing could be said.
  public init(image: String, problem: String) {
    self.image = image
    guesses = []
    self.problem = problem
  }
}

/// Tells the classes of images with a classifier.
public struct Predictor {
  private let pass: ImagePass
  private let classifier: ImageClassifier
  private let labels: [String]
  /// How many classes are told of each image.
  public let top: Int

  /// Takes a loaded classifier.
  ///
  /// - Parameter top: How many classes are told of each image, the likeliest first.
  /// - Throws: ``RunFailure`` where the model is none.
  public init(_ pass: ImagePass, top: Int = 5) throws {
    precondition(top >= 1, "\(top) guesses")
    classifier = try pass.model.requireClassifier()
    self.pass = pass
    labels = pass.model.description.classifier?.classNames ?? []
    self.top = min(top, labels.count)
  }

  /// Goes through a set in order and hands over what is said of some images at a time, also of those
  /// that could not be decoded.
  ///
  /// - Returns: How many images could be decoded.
  @discardableResult
  public func run(
    over images: any ImageDataset, named name: String,
    each body: ([Prediction]) throws -> Void
  ) throws -> Int {
    try pass.run(over: images, named: name, computing: { classifier($0) }) { part in
      let logits: [Float] = part.rows?.floats() ?? []
      let width = part.rows?.shape.last ?? 0
      let predictions = part.outcomes.map { index, outcome in
        let name = images.name(of: index)
        switch outcome {
        case .broken(let reason): return Prediction(image: name, problem: reason)
        case .row(let row):
          let own = logits[row * width..<(row + 1) * width]
          return Prediction(
            image: name, guesses: Guess.likeliest(top, of: own, labels: labels))
        }
      }
      try body(predictions)
    }
  }
}
