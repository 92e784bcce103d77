import FileSystem
import MaskedAutoencoders

/// Images and bytes per second and the time spent waiting for data, over a sliding window of steps.
public struct Throughput: Hashable, Sendable {
  private struct Step: Hashable {
    var images: Int
    var seconds: Double
    var waiting: Double
    var bytes: Int
  }

  private let window: Int
  private var steps: [Step] = []

  /// Creates a window of so many steps.
  public init(window: Int = 50) {
    precondition(window >= 1, "a window of \(window) steps holds nothing")
    self.window = window
  }

  /// Adds a step: its images, the seconds it took in all, those it waited for data, and the bytes of
  /// files that were read meanwhile.
  public mutating func add(images: Int, seconds: Double, waiting: Double, bytes: Int = 0) {
    if steps.count == window { steps.removeFirst() }
    steps.append(Step(images: images, seconds: seconds, waiting: waiting, bytes: bytes))
  }

  /// Images in a second; 0 before there was a step.
  public var imagesPerSecond: Double {
    seconds > 0 ? Double(steps.reduce(0) { $0 + $1.images }) / seconds : 0
  }

  /// The part of the time spent waiting for data, 0...1.
  public var dataWait: Double {
    seconds > 0 ? min(1, steps.reduce(0) { $0 + $1.waiting } / seconds) : 0
  }

  /// Bytes of files that are read in a second; nil where none were.
  public var bytesPerSecond: Double? {
    let bytes = steps.reduce(0) { $0 + $1.bytes }
    return bytes > 0 && seconds > 0 ? Double(bytes) / seconds : nil
  }

  /// Seconds until so many more steps are done; nil before there was one.
  public func secondsLeft(steps left: Int) -> Double? {
    steps.isEmpty ? nil : seconds / Double(steps.count) * Double(left)
  }

  private var seconds: Double { steps.reduce(0) { $0 + $1.seconds } }
}
