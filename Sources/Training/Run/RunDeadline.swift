/// A time that a run is to end at: how many steps it takes is looked at again while it runs.
///
/// The first look is where the warm-up ends, up to which the learning rate does not depend on the
/// run's length: a run whose length is changed there is the run of the recipe with the new length.
/// Where later looks find the machine faster or slower by more than a fiftieth, the rest of the
/// schedule is stretched or shortened, and the learning rate makes a small jump. A look comes early
/// where so much time has passed that the steps before it are late.
public struct RunDeadline: Sendable {
  /// Seconds from the first step to the last.
  public var seconds: Double
  /// Parts of the steps after which the length is looked at, in ascending order.
  private var looks: [Double]
  private var last = (step: 0, seconds: 0.0)

  /// Creates a deadline.
  ///
  /// - Parameters:
  ///   - seconds: From the first step to the last.
  ///   - warmupShare: The part of the steps in which the learning rate rises.
  public init(seconds: Double, warmupShare: Double) {
    self.seconds = seconds
    looks = [warmupShare, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95].filter { $0 >= warmupShare }
  }

  /// The part of the time by which steps may be late before they are looked at.
  private static let patience = 0.15
  /// Differences below this part of a run are left alone.
  private static let tolerance = 0.02

  /// The steps of the whole run where they are to be others, looked at after a step.
  ///
  /// - Parameters:
  ///   - step: Steps taken.
  ///   - total: Steps of the whole run as it is planned.
  ///   - elapsed: Seconds since the first step began.
  public mutating func steps(after step: Int, of total: Int, elapsed: Double) -> Int? {
    guard let look = looks.first, step > last.step, step < total,
      Double(step) >= look * Double(total) || elapsed >= (look + Self.patience) * seconds
    else { return nil }
    looks.removeFirst()
    let perStep = (elapsed - last.seconds) / Double(step - last.step)
    last = (step, elapsed)
    guard perStep > 0 else { return nil }
    let revised = step + max(1, Int((seconds - elapsed) / perStep))
    return abs(Double(revised - total)) > Self.tolerance * Double(total) ? revised : nil
  }
}
