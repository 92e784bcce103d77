import Evaluation
import MaskedAutoencoders

extension RunResults {
  /// How a trained classifier does on a set, as `mae evaluate` found out.
  public struct Evaluated: Codable, Hashable, Sendable {
    /// What was loaded, in words.
    public var model: String
    /// The set as the user named it.
    public var data: String
    /// Share of images whose class is the first guess, 0…1.
    public var top1: Double?
    /// Share of images whose class is among the first `k` guesses, by `k`.
    public var topK: [Int: Double]?
    /// The mean of the classes' own shares, so that rare ones count as much as frequent ones.
    public var meanClassAccuracy: Double?
    /// The expected calibration error, 0…1.
    public var calibrationError: Double?
    /// Images that were evaluated.
    public var images: Int
    /// Images that could not be decoded.
    public var broken: Int
    /// Classes that competed.
    public var classes: Int?
    /// Images evaluated in a second, reading and decoding included.
    public var imagesPerSecond: Double
    /// Top-1 errors by corruption, of severities 1 to 5; only of sets of corruptions.
    public var corruptionErrors: [String: [Double?]]?
    /// The mean of the fifteen corruptions' errors; nil where some are missing.
    public var meanError: Double?
    /// The same relative to AlexNet's errors: mCE, 1 for AlexNet.
    public var meanCorruptionError: Double?

    /// Records what was evaluated, where, and how fast; the metrics are filled in by the caller.
    public init(
      model: String, data: String, images: Int, broken: Int, imagesPerSecond: Double
    ) {
      self.model = model
      self.data = data
      self.images = images
      self.broken = broken
      self.imagesPerSecond = imagesPerSecond
    }
  }
}
