/// The shape of the perceptrons after the encoder (Chen et al., 2021, §4.1 “MLP heads”).
public struct ContrastiveHeads: Codable, Hashable, Sendable {
  /// Width of the layers before the last, 4096 in the paper.
  public var hidden: Int
  /// Width of what is compared, 256 in the paper.
  public var output: Int
  /// Linear layers of the projection head, 3 in the paper.
  public var projectionLayers: Int
  /// Linear layers of the prediction head, 2 in the paper.
  public var predictionLayers: Int

  /// Creates a shape; what is left out has the paper's value.
  public init(
    hidden: Int = 4096, output: Int = 256, projectionLayers: Int = 3, predictionLayers: Int = 2
  ) {
    self.hidden = hidden
    self.output = output
    self.projectionLayers = projectionLayers
    self.predictionLayers = predictionLayers
  }

  /// What is wrong with the values, each as the field's path and a sentence; empty when all is
  /// well.
  public var problems: [(path: String, message: String)] {
    [
      ("hidden", hidden, 1...65_536), ("output", output, 2...65_536),
      ("projectionLayers", projectionLayers, 1...16),
      ("predictionLayers", predictionLayers, 1...16),
    ].compactMap { name, value, range in
      range.contains(value)
        ? nil
        : (
          name,
          "is \(value); expected a whole number from \(range.lowerBound) to \(range.upperBound)"
        )
    }
  }
}
