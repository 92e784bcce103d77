import Datasets
import FileSystem
import RecipeSyntax

/// A chart as inline SVG: axes with their units, curves, and the values at the place of the pointer.
///
/// Values are shown by style sheets alone, where the pointer is or a finger taps; no script is needed.
struct LineChart {
  private static let width = 736.0
  private static let left = 56.0
  private static let right = 12.0
  private static let bottom = 44.0
  /// Of the curves, without what is above and below them.
  private static let heightOfPlot = 246.0
  /// Points drawn of a curve, and places that show their values.
  private static let mostDrawn = 1_000
  private static let mostShown = 90

  private let chart: RunReport.Chart
  private let x: AxisScale
  private let y: AxisScale
  private let curves: [Curve]
  /// Space above the plot: the vertical axis' name needs a line.
  private let top: Double
  private var height: Double { top + Self.heightOfPlot + Self.bottom }

  /// What is drawn of a curve: unbroken runs of points.
  private struct Curve {
    var name: String
    var style: String
    var runs: [[RunReport.Point]]
  }

  init(_ chart: RunReport.Chart) {
    self.chart = chart
    let points = chart.curves.flatMap(\.points).filter(\.isDrawable)
    x = AxisScale(covering: points.map(\.x), about: 8, padded: false)
    y = AxisScale(covering: points.map(\.y), about: 5, padded: true)
    top = chart.yLabel.isEmpty ? 10 : 30
    curves = chart.curves.enumerated().map { index, curve in
      Curve(
        name: curve.name, style: Self.style(index),
        runs: curve.points.split { !$0.isDrawable }.map { Self.thinned($0) })
    }
  }

  /// The class that gives a curve its colour.
  static func style(_ index: Int) -> String { "c\(index % 6)" }

  var svg: String {
    let size = "0 0 \(Self.number(Self.width)) \(Self.number(height))"
    return """
      <svg class="chart" viewBox="\(size)" role="img" aria-label="\(description.escapedForMarkup)">
      \(horizontalAxis)
      \(verticalAxis)
      \(curves.map(line(of:)).joined(separator: "\n"))
      \(bands.joined(separator: "\n"))
      </svg>
      """
  }

  /// The chart in words, for those who cannot see it.
  private var description: String {
    let ends = curves.compactMap { curve in
      curve.runs.last?.last.map { "\(curve.name) ends at \(AxisScale.short($0.y))" }
    }
    let unit = chart.yLabel.isEmpty ? "" : " (\(chart.yLabel))"
    return (["\(chart.title)\(unit), over \(chart.xLabel)"] + ends).joined(separator: "; ")
  }

  // MARK: Axes

  private var verticalAxis: String {
    var parts = y.ticks.map { tick in
      let height = Self.number(place(y: tick))
      let line = Self.line(Self.left, place(y: tick), Self.width - Self.right, place(y: tick))
      let text =
        "<text x=\"\(Self.number(Self.left - 8))\" y=\"\(height)\" dy=\"0.35em\" "
        + "text-anchor=\"end\">\(y.label(tick))</text>"
      return "<g><line class=\"grid\" \(line)/>\(text)</g>"
    }
    if !chart.yLabel.isEmpty {
      parts.append("<text x=\"0\" y=\"12\">\(chart.yLabel.escapedForMarkup)</text>")
    }
    return parts.joined(separator: "\n")
  }

  private var horizontalAxis: String {
    let base = height - Self.bottom
    let ticks = x.ticks.map { tick in
      let place = place(x: tick)
      let line = Self.line(place, base, place, base + 5)
      let text =
        "<text x=\"\(Self.number(place))\" y=\"\(Self.number(base + 19))\" "
        + "text-anchor=\"middle\">\(x.label(tick))</text>"
      return "<g><line class=\"axis\" \(line)/>\(text)</g>"
    }
    let middle = Self.number((Self.left + Self.width - Self.right) / 2)
    let axis = Self.line(Self.left, base, Self.width - Self.right, base)
    let name =
      "<text x=\"\(middle)\" y=\"\(Self.number(height - 6))\" text-anchor=\"middle\">"
      + "\(chart.xLabel.escapedForMarkup)</text>"
    return (ticks + ["<line class=\"axis\" \(axis)/>", name]).joined(separator: "\n")
  }

  // MARK: Curves

  private func line(of curve: Curve) -> String {
    let lines = curve.runs.map { run in
      if run.count == 1 { return circle(run[0], class: "alone", radius: 3) }
      let points = run.map { "\(Self.number(place(x: $0.x))),\(Self.number(place(y: $0.y)))" }
      return "<polyline points=\"\(points.joined(separator: " "))\"/>"
    }
    return "<g class=\"\(curve.style)\">\(lines.joined(separator: "\n"))</g>"
  }

  private func circle(_ point: RunReport.Point, class name: String, radius: Double) -> String {
    "<circle class=\"\(name)\" cx=\"\(Self.number(place(x: point.x)))\" "
      + "cy=\"\(Self.number(place(y: point.y)))\" r=\"\(Self.number(radius))\"/>"
  }

  /// At most `mostDrawn` points; of each stretch the lowest and the highest stay, so that no spike
  /// is lost.
  private static func thinned(_ points: ArraySlice<RunReport.Point>) -> [RunReport.Point] {
    guard points.count > mostDrawn else { return Array(points) }
    let stretches = mostDrawn / 2
    return (0..<stretches).flatMap { index -> [RunReport.Point] in
      let start = points.startIndex + points.count * index / stretches
      let end = points.startIndex + points.count * (index + 1) / stretches
      let stretch = start..<end
      guard let lowest = stretch.min(by: { points[$0].y < points[$1].y }),
        let highest = stretch.max(by: { points[$0].y < points[$1].y })
      else { return [] }
      return Set([lowest, highest]).sorted().map { points[$0] }
    }
  }

  // MARK: Values under the pointer

  /// Bands over the whole height, side by side, each of which shows the values at a place.
  private var bands: [String] {
    let places = shownPlaces
    let (first, last) = (Self.left - 8, Self.width - Self.right)
    return places.enumerated().map { index, value in
      let here = place(x: value)
      let start = index == 0 ? first : (place(x: places[index - 1]) + here) / 2
      let end = index == places.count - 1 ? last : (here + place(x: places[index + 1])) / 2
      let area =
        "<rect x=\"\(Self.number(start))\" y=\"\(Self.number(top))\" "
        + "width=\"\(Self.number(max(0, end - start)))\" height=\"\(Self.number(Self.heightOfPlot))\"/>"
      return "<g class=\"at\">\(area)<g class=\"tip\">\(tip(at: value))</g></g>"
    }
  }

  /// Positions of points, evenly taken, with the last.
  private var shownPlaces: [Double] {
    let all = Set(curves.flatMap { $0.runs.flatMap { $0.map(\.x) } }).sorted()
    guard all.count > Self.mostShown else { return all }
    return (0..<Self.mostShown).map { all[$0 * (all.count - 1) / (Self.mostShown - 1)] }
  }

  /// A line at the place, a dot on each curve that has a point there, and their values.
  private func tip(at value: Double) -> String {
    let found = curves.compactMap { curve in
      curve.runs.lazy.flatMap { $0 }.first { $0.x == value }.map { (curve, $0) }
    }
    let here = place(x: value)
    let line = Self.line(here, top, here, height - Self.bottom)
    let dots = found.map { curve, point in
      "<g class=\"\(curve.style)\">\(circle(point, class: "dot", radius: 4))</g>"
    }
    let values = found.map { curve, point in
      (curve.name.isEmpty ? "" : "\(curve.name) ") + AxisScale.short(point.y)
    }
    let text = (["\(chart.xLabel) \(AxisScale.short(value))"] + values).joined(separator: " · ")
    let isLeft = here < (Self.left + Self.width) / 2
    let label =
      "<text x=\"\(Self.number(here + (isLeft ? 8 : -8)))\" y=\"\(Self.number(top + 14))\" "
      + "text-anchor=\"\(isLeft ? "start" : "end")\">\(text.escapedForMarkup)</text>"
    return "<line class=\"axis\" \(line)/>\(dots.joined())\(label)"
  }

  // MARK: Places

  private func place(x value: Double) -> Double {
    Self.left + x.position(of: value) * (Self.width - Self.left - Self.right)
  }

  private func place(y value: Double) -> Double {
    height - Self.bottom - y.position(of: value) * Self.heightOfPlot
  }

  private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\""
  }

  /// To a tenth of a pixel.
  private static func number(_ value: Double) -> String {
    ScalarText.written((value * 10).rounded() / 10)
  }
}

extension RunReport.Point {
  fileprivate var isDrawable: Bool { AxisScale.isDrawable(x) && AxisScale.isDrawable(y) }
}
