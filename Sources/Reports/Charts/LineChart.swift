import Datasets
import RecipeSyntax

/// A chart as inline SVG: axes, ticks, curves, and the value of a point under the pointer.
struct LineChart {
  private static let width = 736.0
  private static let height = 300.0
  private static let left = 56.0
  private static let right = 12.0
  private static let top = 10.0
  private static let bottom = 44.0
  /// Points drawn of a curve, and points that answer to the pointer.
  private static let mostDrawn = 1_000
  private static let mostHovered = 120

  private let chart: RunReport.Chart
  private let x: AxisScale
  private let y: AxisScale

  init(_ chart: RunReport.Chart) {
    self.chart = chart
    let points = chart.curves.flatMap(\.points).filter(\.isDrawable)
    x = AxisScale(covering: points.map(\.x), about: 8, padded: false)
    y = AxisScale(covering: points.map(\.y), about: 5, padded: true)
  }

  /// The class that gives a curve its colour.
  static func style(_ index: Int) -> String { "c\(index % 6)" }

  var svg: String {
    let label = "\(chart.title), over \(chart.xLabel)".escaped
    let size = "0 0 \(Self.number(Self.width)) \(Self.number(Self.height))"
    let curves = chart.curves.enumerated().map { curve($1, style: Self.style($0)) }
    return """
      <svg viewBox="\(size)" role="img" aria-label="\(label)">
      \(horizontalAxis)
      \(verticalAxis)
      \(curves.joined(separator: "\n"))
      </svg>
      """
  }

  // MARK: Axes

  private var verticalAxis: String {
    y.ticks.map { tick in
      let height = Self.number(place(y: tick))
      let line = Self.line(Self.left, place(y: tick), Self.width - Self.right, place(y: tick))
      let text =
        "<text x=\"\(Self.number(Self.left - 8))\" y=\"\(height)\" dy=\"0.35em\" "
        + "text-anchor=\"end\">\(y.label(tick))</text>"
      return "<g><line class=\"grid\" \(line)/>\(text)</g>"
    }.joined(separator: "\n")
  }

  private var horizontalAxis: String {
    let base = Self.height - Self.bottom
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
      "<text x=\"\(middle)\" y=\"\(Self.number(Self.height - 6))\" text-anchor=\"middle\">"
      + "\(chart.xLabel.escaped)</text>"
    return (ticks + ["<line class=\"axis\" \(axis)/>", name]).joined(separator: "\n")
  }

  // MARK: Curves

  private func curve(_ curve: RunReport.Curve, style: String) -> String {
    let runs = curve.points.split { !$0.isDrawable }.map { thinned($0) }
    let lines = runs.map { run in
      if run.count == 1 { return circle(run[0], class: "alone", radius: 3, content: "") }
      let points = run.map { "\(Self.number(place(x: $0.x))),\(Self.number(place(y: $0.y)))" }
      return "<polyline points=\"\(points.joined(separator: " "))\"/>"
    }
    let all = runs.flatMap { $0 }
    let every = max(1, (all.count + Self.mostHovered - 1) / Self.mostHovered)
    let hits = stride(from: 0, to: all.count, by: every).map { index in
      let point = all[index]
      let text =
        "\(curve.name): \(AxisScale.short(point.y)) at \(chart.xLabel) "
        + AxisScale.short(point.x)
      return circle(point, class: "hit", radius: 5, content: "<title>\(text.escaped)</title>")
    }
    return "<g class=\"\(style)\">\((lines + hits).joined(separator: "\n"))</g>"
  }

  private func circle(
    _ point: RunReport.Point, class name: String, radius: Double, content: String
  ) -> String {
    "<circle class=\"\(name)\" cx=\"\(Self.number(place(x: point.x)))\" "
      + "cy=\"\(Self.number(place(y: point.y)))\" r=\"\(Self.number(radius))\">\(content)</circle>"
  }

  /// At most `mostDrawn` points; of each stretch the lowest and the highest stay, so that no spike
  /// is lost.
  private func thinned(_ points: ArraySlice<RunReport.Point>) -> [RunReport.Point] {
    guard points.count > Self.mostDrawn else { return Array(points) }
    let stretches = Self.mostDrawn / 2
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

  // MARK: Places

  private func place(x value: Double) -> Double {
    Self.left + x.position(of: value) * (Self.width - Self.left - Self.right)
  }

  private func place(y value: Double) -> Double {
    Self.height - Self.bottom - y.position(of: value) * (Self.height - Self.top - Self.bottom)
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
