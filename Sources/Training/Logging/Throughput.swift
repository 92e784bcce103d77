import FileSystem
import MaskedAutoencoders

/// Images per second and the time spent waiting for data, over a sliding window of steps.
public struct Throughput: Hashable, Sendable {
  private struct Step: Hashable {
    var images: Int
    var seconds: Double
    var waiting: Double
  }

  private let window: Int
  private var steps: [Step] = []

  /// Creates a window of so many steps.
  public init(window: Int = 50) {
    precondition(window >= 1, "a window of \(window) steps holds nothing")
    self.window = window
  }

  /// Adds a step: its images, the seconds it took in all, and those it waited for data.
  public mutating func add(images: Int, seconds: Double, waiting: Double) {
    if steps.count == window { steps.removeFirst() }
    steps.append(Step(images: images, seconds: seconds, waiting: waiting))
  }

  /// Images in a second; 0 before there was a step.
  public var imagesPerSecond: Double {
    seconds > 0 ? Double(steps.reduce(0) { $0 + $1.images }) / seconds : 0
  }

  /// The part of the time spent waiting for data, 0...1.
  public var dataWait: Double {
    seconds > 0 ? min(1, steps.reduce(0) { $0 + $1.waiting } / seconds) : 0
  }

  /// Seconds until so many more steps are done; nil before there was one.
  public func secondsLeft(steps left: Int) -> Double? {
    steps.isEmpty ? nil : seconds / Double(steps.count) * Double(left)
  }

  private var seconds: Double { steps.reduce(0) { $0 + $1.seconds } }
}
