public import MaskedAutoencoders

/// What `model.json` says: with the weights beside it, enough to run a model.
public struct ModelDescription: Codable, Hashable, Sendable {
  /// The version of this file's layout.
  public var format: Int
  /// What kind of model the weights are of: `masked-autoencoder`.
  public var kind: String
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

  /// Describes a model.
  public init(
    model: ModelConfiguration, hasDecoder: Bool = true, mean: [Double], deviation: [Double],
    maskingRatio: Double
  ) {
    format = 1
    kind = "masked-autoencoder"
    self.model = model
    self.hasDecoder = hasDecoder
    self.mean = mean
    self.deviation = deviation
    self.maskingRatio = maskingRatio
  }

  /// What is wrong with the values, one sentence each; empty when all is well.
  var problems: [String] {
    var found: [String] = []
    if format != 1 { found.append("format is \(format), expected 1") }
    if kind != "masked-autoencoder" {
      found.append("kind is '\(kind)', expected 'masked-autoencoder'")
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
