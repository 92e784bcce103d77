import Foundation

/// Figures of one measurement over its rounds.
public struct Distribution: Hashable, Sendable {
  /// The figures in rising order, at least one.
  public let sorted: [Double]

  /// Sorts figures; at least one is needed.
  public init(_ figures: [Double]) {
    precondition(!figures.isEmpty, "a distribution needs a figure")
    sorted = figures.sorted()
  }

  /// The middle figure; the mean of the two middle ones where their number is even.
  public var median: Double { (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2 }
  /// The figure that a quarter lies below.
  public var lowerQuartile: Double { sorted[sorted.count / 4] }
  /// The figure that a quarter lies above.
  public var upperQuartile: Double { sorted[sorted.count * 3 / 4] }
  /// The smallest figure.
  public var minimum: Double { sorted[0] }
  /// The largest figure.
  public var maximum: Double { sorted[sorted.count - 1] }

  /// The distribution of a function of each figure.
  public func map(_ transform: (Double) -> Double) -> Distribution {
    Distribution(sorted.map(transform))
  }

  /// Median and quartiles: `1.170 (quartiles 1.150 to 1.210)`.
  public func words(decimals: Int) -> String {
    "\(fixed(median, decimals)) (quartiles \(fixed(lowerQuartile, decimals)) to "
      + "\(fixed(upperQuartile, decimals)))"
  }
}

/// A number with a fixed number of decimals.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  String(format: "%.\(decimals)f", value)
}

/// A text made `width` characters long by spaces behind it.
public func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
