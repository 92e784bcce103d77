/// Mistakes found so far.
package struct Validator {
  package var found: [FieldError] = []

  package init() {}

  package mutating func require(_ holds: Bool, _ path: FieldPath, _ message: @autoclosure () -> String) {
    if !holds { found.append(FieldError(path, message())) }
  }

  package mutating func within(_ range: ClosedRange<Int>, _ path: FieldPath, _ value: Int) {
    require(
      range.contains(value), path,
      "is \(value); expected a whole number from \(range.lowerBound) to \(range.upperBound)")
  }

  package mutating func within(_ range: ClosedRange<Double>, _ path: FieldPath, _ value: Double) {
    require(
      range.contains(value), path,
      "is \(value.short); expected a number from \(range.lowerBound.short) to \(range.upperBound.short)"
    )
  }

  package mutating func above(_ bound: Double, _ path: FieldPath, _ value: Double) {
    require(
      value > bound && value.isFinite, path,
      "is \(value.short); expected a number above \(bound.short)")
  }

  package mutating func atLeast(_ bound: Double, _ path: FieldPath, _ value: Double) {
    require(
      value >= bound && value.isFinite, path,
      "is \(value.short); expected a number of at least \(bound.short)")
  }

  package mutating func rhythm(_ path: FieldPath, _ interval: Int?) {
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
