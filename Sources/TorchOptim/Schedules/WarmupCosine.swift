#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The paper's learning-rate schedule, a learning rate for each optimizer step (He et al., 2022,
/// A.1; Table 8).
///
/// It rises linearly from `warmupFactor · peak`, 0 in the paper, to `peak` over `warmup` steps and
/// falls along half a cosine to `minimum` at step `total`, which is the first step no longer taken.
public struct WarmupCosine: Codable, Hashable, Sendable {
  /// The highest learning rate.
  public var peak: Double
  /// The learning rate at the end.
  public var minimum: Double
  /// Steps of the rise; a fraction of a step is allowed.
  public var warmup: Double
  /// The share of the peak that the rise begins at.
  public var warmupFactor: Double
  /// Steps in all.
  public var total: Int

  /// Creates a schedule.
  public init(
    peak: Double, minimum: Double = 0, warmup: Double = 0, warmupFactor: Double = 0, total: Int
  ) {
    self.peak = peak
    self.minimum = minimum
    self.warmup = warmup
    self.warmupFactor = warmupFactor
    self.total = total
  }

  /// The learning rate of a step, counted from 0; after the end it stays at `minimum`.
  public func learningRate(at step: Int) -> Double {
    let step = Double(step)
    if step < warmup {
      return peak * (warmupFactor * warmup + (1 - warmupFactor) * step) / warmup
    }
    let length = Double(total) - warmup
    guard length > 0 else { return minimum }
    let progress = min(1, (step - warmup) / length)
    return minimum + (peak - minimum) * 0.5 * (1 + cos(.pi * progress))
  }
}
