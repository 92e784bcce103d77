/// What one thread uses again for every image: a decompressor and the memory between the stages.
/// Also counts the time that each stage takes.
public final class DecoderScratch {
  /// Decoded pixels.
  let decoded = ScratchBytes()
  /// Rows whose columns have been resampled, and one row of the result.
  let resampled = ScratchBytes()
  /// Seconds spent so far.
  package var times = StageTimes()

  /// Creates a workbench; for one thread at a time.
  public init() {}
}

/// Where the time of making examples goes, in seconds of processor time of one thread.
public struct StageTimes: Hashable, Sendable {
  /// Reading files and their headers.
  public var read = 0.0
  /// Decoding pixels.
  public var decode = 0.0
  /// Resampling, flipping, colour, normalising and writing into the batch.
  public var resample = 0.0
  /// Bytes of the files that were read.
  public var bytes = 0

  /// No time at all.
  public init() {}

  /// All stages together.
  public var total: Double { read + decode + resample }

  /// The sum of two.
  public static func + (a: StageTimes, b: StageTimes) -> StageTimes {
    var sum = a
    sum.read += b.read
    sum.decode += b.decode
    sum.resample += b.resample
    sum.bytes += b.bytes
    return sum
  }

  /// What has been added since an earlier count.
  public static func - (a: StageTimes, b: StageTimes) -> StageTimes {
    var rest = a
    rest.read -= b.read
    rest.decode -= b.decode
    rest.resample -= b.resample
    rest.bytes -= b.bytes
    return rest
  }

  /// Adds the seconds since `start` to a stage and moves `start` on.
  package mutating func add(
    _ stage: WritableKeyPath<StageTimes, Double>, since start: inout Instant
  ) {
    let now = ContinuousClock.now
    self[keyPath: stage] += start.duration(to: now) / .seconds(1)
    start = now
  }

  package typealias Instant = ContinuousClock.Instant
}

/// Memory that grows to the largest use and is then used again.
final class ScratchBytes {
  private var bytes: UnsafeMutablePointer<UInt8>?
  private(set) var capacity = 0

  /// Bytes beyond what is asked for, so that vector loads at the end stay inside.
  static let slack = 64
  /// More than this is given back after use.
  private static let kept = 64 << 20

  deinit { bytes?.deallocate() }

  /// Room for `count` bytes and the slack; what was there before is gone.
  func reserve(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    if let bytes, capacity >= count { return bytes }
    bytes?.deallocate()
    // Grown by half at least, so that a run of ever larger images does not allocate for each.
    capacity = max(count, min(capacity + capacity / 2, Self.kept))
    let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + Self.slack)
    fresh.initialize(repeating: 0, count: capacity + Self.slack)
    bytes = fresh
    return fresh
  }

  /// Gives memory back that only an unusually large image needed.
  func trim() {
    guard capacity > Self.kept else { return }
    bytes?.deallocate()
    bytes = nil
    capacity = 0
  }
}
