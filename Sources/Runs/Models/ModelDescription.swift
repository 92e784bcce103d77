public import MaskedAutoencoders

/// What `model.json` says: with the weights beside it, enough to run a model.
public struct ModelDescription: Codable, Hashable, Sendable {
  /// The version of this file's layout.
  public var format: Int
  /// What kind of model the weights are of.
  public var kind: Kind
  /// Names, shapes and what they compute.
  public var model: ModelConfiguration
  /// Whether the decoder's weights are there; an encoder alone can embed but not reconstruct.
  public var hasDecoder: Bool
  /// Mean of each channel, subtracted from pixels in 0…1.
  public var mean: [Double]
  /// Standard deviation of each channel, which pixels are divided by after that.
  public var deviation: [Double]
  /// The share of patches hidden in training.
  public var maskingRatio: Double
  /// The head and the classes' names; only a classifier has them.
  public var classifier: Classifier?

  /// A kind of model.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Encoder and decoder, as pre-trained.
    case maskedAutoencoder = "masked-autoencoder"
    /// Encoder and head.
    case classifier
  }

  /// What a classifier has beyond its encoder.
  public typealias Classifier = ClassifierDescription

  /// Describes a masked autoencoder.
  public init(
    model: ModelConfiguration, hasDecoder: Bool = true, mean: [Double], deviation: [Double],
    maskingRatio: Double
  ) {
    format = 1
    kind = .maskedAutoencoder
    self.model = model
    self.hasDecoder = hasDecoder
    self.mean = mean
    self.deviation = deviation
    self.maskingRatio = maskingRatio
  }

  /// Describes a classifier.
  public init(
    model: ModelConfiguration, classifier: Classifier, mean: [Double], deviation: [Double],
    maskingRatio: Double = 0.75
  ) {
    self.init(
      model: model, hasDecoder: false, mean: mean, deviation: deviation, maskingRatio: maskingRatio
    )
    kind = .classifier
    self.classifier = classifier
  }

  /// What is wrong with the values, one sentence each; empty when all is well.
  package var problems: [String] {
    var found: [String] = []
    if format != 1 { found.append("format is \(format), expected 1") }
    if (kind == .classifier) != (classifier != nil) {
      found.append("kind is \(kind.rawValue), with which classifier is out of place or missing")
    }
    if let classifier {
      found += classifier.head.problems.map { "classifier.head.\($0.path) \($0.message)" }
      if classifier.classNames.count != classifier.head.classes {
        found.append(
          "classifier.classNames has \(classifier.classNames.count) names, expected "
            + "\(classifier.head.classes)")
      }
    }
    found += model.problems.map { "model.\($0.path) \($0.message)" }
    for (name, values) in [("mean", mean), ("deviation", deviation)]
    where values.count != model.channels {
      found.append("\(name) has \(values.count) values, expected \(model.channels), one a channel")
    }
    if !deviation.allSatisfy({ $0 > 0 }) {
      found.append("deviation has a value that is not above 0")
    }
    if !(maskingRatio > 0 && maskingRatio < 1) {
      found.append("maskingRatio is \(maskingRatio), expected a number between 0 and 1")
    }
    return found
  }
}
