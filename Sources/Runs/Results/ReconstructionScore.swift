import MaskedAutoencoders

/// How far filled-in patches are from the original: mean squared errors of hidden pixels of 0…1.
public struct ReconstructionScore: Codable, Hashable, Sendable {
  /// The model's.
  public var meanSquaredError: Double
  /// Of filling with the mean of the visible pixels.
  public var meanFill: Double
  /// Of filling with the nearest visible patch.
  public var nearestFill: Double
  /// Images that were measured.
  public var images: Int
  /// The share of patches that was hidden.
  public var ratio: Double
  /// Whether the model was given each hidden patch's mean and deviation, which the fills were not.
  public var usesOriginalStatistics: Bool

  /// The model's error over that of the better fill; below 1 is better than knowing nothing.
  public var shareOfBetterFill: Double { meanSquaredError / min(meanFill, nearestFill) }

  /// Records what was measured.
  public init(
    meanSquaredError: Double, meanFill: Double, nearestFill: Double, images: Int, ratio: Double,
    usesOriginalStatistics: Bool
  ) {
    self.meanSquaredError = meanSquaredError
    self.meanFill = meanFill
    self.nearestFill = nearestFill
    self.images = images
    self.ratio = ratio
    self.usesOriginalStatistics = usesOriginalStatistics
  }
}
