/// Looks at a recipe's values and keeps what is wrong with them.
public struct Validator {
  /// The mistakes found so far.
  public private(set) var found: [FieldError] = []

  /// Starts with no mistake.
  public init() {}

  /// Keeps a mistake where a condition does not hold.
  ///
  /// - Parameter message: Reads on from the path: `is 3; expected 2 or 4`.
  public mutating func require(
    _ holds: Bool, _ path: FieldPath, _ message: @autoclosure () -> String
  ) {
    if !holds { found.append(FieldError(path, message())) }
  }

  /// Asks for a whole number of a range.
  public mutating func within(_ range: ClosedRange<Int>, _ path: FieldPath, _ value: Int) {
    require(
      range.contains(value), path,
      "is \(value); expected a whole number from \(range.lowerBound) to \(range.upperBound)")
  }

  /// Asks for a number of a range.
  public mutating func within(_ range: ClosedRange<Double>, _ path: FieldPath, _ value: Double) {
    require(
      range.contains(value), path,
      "is \(value.short); expected a number from \(range.lowerBound.short) to \(range.upperBound.short)"
    )
  }

  /// Asks for a finite number above a bound.
  public mutating func above(_ bound: Double, _ path: FieldPath, _ value: Double) {
    require(
      value > bound && value.isFinite, path,
      "is \(value.short); expected a number above \(bound.short)")
  }

  /// Asks for a finite number of at least a bound.
  public mutating func atLeast(_ bound: Double, _ path: FieldPath, _ value: Double) {
    require(
      value >= bound && value.isFinite, path,
      "is \(value.short); expected a number of at least \(bound.short)")
  }

  /// Asks for an interval of at least 1, or none.
  public mutating func rhythm(_ path: FieldPath, _ interval: Int?) {
    if let interval { within(1...1_000_000_000, path, interval) }
  }
}

extension Double {
  /// As written in a recipe: `1`, not `1.0`.
  package var short: String { ScalarText.written(self) }
}

extension ClosedRange<Double> {
  /// As written in a recipe.
  package var listed: String { "[\(lowerBound.short), \(upperBound.short)]" }
}
