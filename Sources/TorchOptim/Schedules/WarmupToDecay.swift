/// A linear rise that ends on a fall which began with the run, as detectors are trained (detectron2's
/// `WarmupParamScheduler`): in the first steps the rate goes from a share of the peak to what the fall
/// has where the rise ends.
public struct WarmupToDecay: LearningRateSchedule, Hashable {
  /// The highest learning rate.
  public var peak: Double
  /// The learning rate at the end of a cosine.
  public var minimum: Double
  /// Steps of the rise.
  public var warmup: Int
  /// The share of the peak that the rise begins at.
  public var warmupFactor: Double
  /// Steps from which on the rate is a tenth of what it was; nil for half a cosine over all steps.
  public var drops: [Int]?
  /// Steps in all.
  public var total: Int

  /// Creates a schedule.
  public init(
    peak: Double, minimum: Double = 0, warmup: Int = 0, warmupFactor: Double = 0,
    drops: [Int]? = nil, total: Int
  ) {
    self.peak = peak
    self.minimum = minimum
    self.warmup = warmup
    self.warmupFactor = warmupFactor
    self.drops = drops
    self.total = total
  }

  public func learningRate(at step: Int) -> Double {
    guard step < warmup else { return fall(at: step) }
    let progress = Double(step) / Double(warmup)
    return warmupFactor * peak + (fall(at: warmup) - warmupFactor * peak) * progress
  }

  private func fall(at step: Int) -> Double {
    guard let drops else {
      return WarmupCosine(peak: peak, minimum: minimum, warmup: 0, total: total)
        .learningRate(at: step)
    }
    return drops.reduce(peak) { step >= $1 ? $0 / 10 : $0 }
  }
}
