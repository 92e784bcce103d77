#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The learning rate of every step of a run.
public protocol LearningRateSchedule: Sendable {
  /// The learning rate of a step, counted from 0.
  func learningRate(at step: Int) -> Double
}

extension WarmupCosine: LearningRateSchedule {}

/// A linear rise and a fall along a power of what is left, as segmentation is trained
/// (MMSegmentation's `LinearLR` and `PolyLR`; the fall is a line at a power of 1).
///
/// At step s before `warmup` the rate is `peak · (f + (1 − f) · s / (warmup − 1))` with `f` =
/// `warmupFactor`, so that the last step of the rise has the peak; then it is `minimum + (peak −
/// minimum) · (1 − (s − warmup) / (total − warmup − 1))^power`, so that the last step has the minimum.
public struct WarmupPolynomial: LearningRateSchedule, Hashable {
  /// The highest learning rate.
  public var peak: Double
  /// The learning rate at the end.
  public var minimum: Double
  /// Steps of the rise.
  public var warmup: Int
  /// The share of the peak that the rise begins at.
  public var warmupFactor: Double
  /// The power of the fall; 1 for a line.
  public var power: Double
  /// Steps in all.
  public var total: Int

  /// Creates a schedule.
  public init(
    peak: Double, minimum: Double = 0, warmup: Int = 0, warmupFactor: Double = 1e-6,
    power: Double = 1, total: Int
  ) {
    self.peak = peak
    self.minimum = minimum
    self.warmup = warmup
    self.warmupFactor = warmupFactor
    self.power = power
    self.total = total
  }

  public func learningRate(at step: Int) -> Double {
    if step < warmup {
      let progress = Double(step) / Double(max(1, warmup - 1))
      return peak * (warmupFactor + (1 - warmupFactor) * progress)
    }
    let left = max(0, 1 - Double(step - warmup) / Double(max(1, total - warmup - 1)))
    return minimum + (peak - minimum) * pow(left, power)
  }
}
