import FileSystem
internal import Foundation
import MaskedAutoencoders

/// The part of an axis that a chart shows, with round numbers marked on it.
struct AxisScale: Hashable {
  /// Round numbers, evenly spaced, from the lower end to the upper.
  var ticks: [Double]
  /// Distance between two ticks.
  var step: Double
  /// What is shown.
  var range: ClosedRange<Double>

  /// Finds steps of 1, 2 or 5 times a power of ten, such that about `count` of them cover the values.
  ///
  /// `padded` rounds the range out to the ticks; otherwise it is that of the values.
  init(covering values: some Sequence<Double>, about count: Int, padded: Bool) {
    let values = values.filter(Self.isDrawable)
    var lower = values.min() ?? 0
    var upper = values.max() ?? 1
    let largest = max(abs(lower), abs(upper))
    if upper - lower < max(largest * 1e-9, 1e-200) {
      let margin = largest < 1e-200 ? 1 : largest * 0.5
      (lower, upper) = (lower - margin, upper + margin)
    }
    let rough = (upper - lower) / Double(max(1, count))
    let power = pow(10, log10(rough).rounded(.down))
    let step = ([1, 2, 5].first { $0 * power >= rough * 0.999 } ?? 10) * power
    // Ends that are ticks but for rounding count as ticks.
    let slack = padded ? 1e-9 : -1e-9
    let first = (lower / step + slack).rounded(padded ? .down : .up)
    let last = (upper / step - slack).rounded(padded ? .up : .down)
    ticks = stride(from: first, through: max(first, last), by: 1).map { $0 * step }
    self.step = step
    range = padded ? first * step...max(first, last) * step : lower...upper
  }

  /// Whether a number is finite and leaves room for arithmetic.
  static func isDrawable(_ value: Double) -> Bool { value.magnitude < 1e300 }

  /// 0 at the lower end, 1 at the upper.
  func position(of value: Double) -> Double {
    (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// A tick's number, with as many digits as tell it from its neighbours.
  func label(_ tick: Double) -> String {
    if abs(tick) < step * 1e-6 { return "0" }
    let largest = max(abs(range.lowerBound), abs(range.upperBound))
    guard largest >= 1e-3, largest < 1e6 else { return Self.short(tick) }
    return Formatted.fixed(tick, max(0, -Int(log10(step * 1.0001).rounded(.down))))
  }

  /// Up to four significant digits.
  static func short(_ value: Double) -> String {
    let text = String(format: "%.4g", value)
    guard let exponent = text.firstIndex(of: "e") else { return text }
    let power = Int(text[text.index(after: exponent)...].drop { $0 == "+" }) ?? 0
    return "\(text[..<exponent])e\(power)"
  }
}
