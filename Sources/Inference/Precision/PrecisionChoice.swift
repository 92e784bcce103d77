import FileSystem
public import Recipes
package import Torch

/// The faster type of a model's products on this machine, found by timing the model itself.
///
/// What ``/Recipes/Precision/auto`` stands for. Which type is faster depends on the processor, on
/// libtorch's kernels and on the model's shapes: instructions for bfloat16 are a condition and no
/// reason.
public struct PrecisionChoice: Hashable, Sendable {
  /// Seconds of the same work in both types.
  public struct Times: Codable, Hashable, Sendable {
    /// With products of float32 numbers.
    public var float32: Double
    /// With products of bfloat16 numbers.
    public var bfloat16: Double
    /// Images that the work is of.
    public var images: Int

    package init(float32: Double, bfloat16: Double, images: Int) {
      self.float32 = float32
      self.bfloat16 = bfloat16
      self.images = images
    }
  }

  /// float32 or bfloat16.
  public let precision: Precision
  /// What was measured; nil where the device has no instructions for bfloat16.
  public let times: Times?
  /// Whether an earlier program has measured it.
  public let isRemembered: Bool

  /// How many times as fast bfloat16 has to be: it changes results, so a gain within the noise of a
  /// measurement is none.
  public static let leastGain = 1.1

  init(_ times: Times?, isRemembered: Bool = false) {
    let gain = times.map { $0.float32 / $0.bfloat16 } ?? 0
    precision = gain >= Self.leastGain ? .bfloat16 : .float32
    self.times = times
    self.isRemembered = isRemembered
  }

  /// Looks up what an earlier program has measured, or measures.
  ///
  /// - Parameters:
  ///   - work: What is computed, in full: measurements of other work are not taken for it.
  ///   - cache: What measurements that take long are kept in; nil for always measuring.
  ///   - isPossible: Whether the device may be faster with bfloat16; it is asked unless given.
  ///   - measure: Times the work.
  package init(
    for work: String, on device: Device, remembering cache: PrecisionCache? = .standard,
    isPossible: Bool? = nil, measuring measure: () throws -> Times
  ) rethrows {
    guard isPossible ?? device.hasBFloat16Products else {
      self.init(nil)
      return
    }
    let key = PrecisionCache.Key(work: work, device: device)
    if let times = cache?.times(of: key) {
      self.init(times, isRemembered: true)
      return
    }
    let start = ContinuousClock.now
    let times = try measure()
    cache?.keep(times, of: key, taken: seconds(since: start))
    self.init(times)
  }

  /// Why, for the user: `bfloat16: 256 images take 620 ms in float32 and 410 ms in bfloat16`.
  public var line: String {
    guard let times else { return "float32: no instructions for bfloat16 here" }
    func milliseconds(_ seconds: Double) -> String {
      Formatted.fixed(1000 * seconds, seconds < 0.1 ? 1 : 0) + " ms"
    }
    let images = times.images == 1 ? "1 image takes" : "\(times.images) images take"
    return "\(precision.rawValue): \(images) \(milliseconds(times.float32)) in "
      + "float32 and \(milliseconds(times.bfloat16)) in bfloat16"
      + (isRemembered ? ", as measured before" : "")
  }
}

extension PrecisionChoice.Times {
  /// Times work in both types in turn: the least of three rounds each, after one that is not counted.
  ///
  /// - Parameter pass: Does the work once with products of the type, and gives the seconds it took.
  package static func measured(
    images: Int, pass: (Precision) throws -> Double
  ) rethrows -> PrecisionChoice.Times {
    var times = PrecisionChoice.Times(float32: .infinity, bfloat16: .infinity, images: images)
    for round in 0...3 {
      let (long, short) = (try pass(.float32), try pass(.bfloat16))
      guard round > 0 else { continue }
      times.float32 = min(times.float32, long)
      times.bfloat16 = min(times.bfloat16, short)
    }
    return times
  }
}
