import FileSystem
internal import Foundation
import RecipeSyntax

/// Results of a study with published ones beside them, as an SVG file of its own: a row of panels for
/// each number that is measured, a column for the study and one for what was published, each with a
/// scale of its own.
///
/// Rows that have positions are curves, as in the paper's figures; others are points in a list.
public struct StudyPlot: Hashable, Sendable {
  /// What the plot is called.
  public var title: String
  /// What positions count; nil where rows have none.
  public var xLabel: String?
  /// Whether equal distances are equal ratios.
  public var isLogarithmic: Bool
  /// What the columns are called.
  public var columns: [String]
  /// The numbers that are measured, from top to bottom.
  public var panels: [Panel]

  /// Creates a plot.
  public init(
    title: String, xLabel: String? = nil, isLogarithmic: Bool = false, columns: [String],
    panels: [Panel]
  ) {
    self.title = title
    self.xLabel = xLabel
    self.isLogarithmic = isLogarithmic
    self.columns = columns
    self.panels = panels
  }

  /// A number that is measured: what every column has of it.
  public struct Panel: Hashable, Sendable {
    /// What it is called: `fine-tuning`.
    public var title: String
    /// The curves of each column.
    public var columns: [[Curve]]

    /// Creates a panel.
    public init(_ title: String, columns: [[Curve]]) {
      self.title = title
      self.columns = columns
    }
  }

  /// Points that belong together.
  public struct Curve: Hashable, Sendable {
    /// What they belong to; empty where there is one curve only.
    public var name: String
    /// The points, from left to right or from top to bottom.
    public var points: [Point]

    /// Creates a curve.
    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// A row's number.
  public struct Point: Hashable, Sendable {
    /// What the row is called.
    public var label: String
    /// Its position; nil in a list.
    public var x: Double?
    /// The number.
    public var y: Double
    /// Its spread, drawn to both sides.
    public var deviation: Double?

    /// Creates a point.
    public init(_ label: String, x: Double? = nil, y: Double, deviation: Double? = nil) {
      self.label = label
      self.x = x
      self.y = y
      self.deviation = deviation
    }
  }

  // MARK: drawing

  private static let panelWidth = 430.0
  private static let panelHeight = 218.0
  private static let lineOfList = 26.0
  private static let colors = ["#2563c9", "#d9622b", "#1f8a5b", "#9a4fc4", "#b08500"]

  /// The names of curves, in the order of their colours.
  private var names: [String] {
    var names: [String] = []
    for curve in panels.flatMap(\.columns).flatMap({ $0 }) where !names.contains(curve.name) {
      names.append(curve.name)
    }
    return names
  }

  private func color(_ name: String) -> String {
    Self.colors[(names.firstIndex(of: name) ?? 0) % Self.colors.count]
  }

  /// Whether every point has a position.
  private var isCurves: Bool {
    xLabel != nil
      && panels.allSatisfy {
        $0.columns.allSatisfy { $0.allSatisfy { $0.points.allSatisfy { $0.x != nil } } }
      }
  }

  private var heightOfPanel: Double {
    guard !isCurves else { return Self.panelHeight }
    let rows = panels.flatMap(\.columns).map { $0.reduce(0) { $0 + $1.points.count } }.max() ?? 1
    return Double(rows) * Self.lineOfList + 58
  }

  /// The file's text.
  public var svg: String {
    let legend = names.count > 1
    let top = legend ? 66.0 : 44.0
    let height = top + heightOfPanel * Double(panels.count) + (isCurves ? 24 : 4)
    let width = Self.panelWidth * Double(columns.count)
    var parts: [String] = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" class="study" viewBox="0 0 \(Self.number(width)) \
      \(Self.number(height))" role="img" aria-label="\(title.escapedForMarkup)">
      """,
      // Within the plot alone, as it becomes part of pages.
      "<style>.study text { font: 12px system-ui, 'Segoe UI', Roboto, Arial, sans-serif; fill: #444b55 } "
        + ".study .head { font-size: 14px; font-weight: 600; fill: #1d2127 } "
        + ".study .value { font-size: 11px }</style>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
    ]
    for (index, column) in columns.enumerated() {
      let middle = Self.panelWidth * (Double(index) + 0.5)
      parts.append(Self.text(column, middle, 22, anchor: "middle", class: "head"))
    }
    if legend {
      var x = 20.0
      for name in names {
        parts.append(
          "<circle cx=\"\(Self.number(x))\" cy=\"44\" r=\"4\" fill=\"\(color(name))\"/>"
            + Self.text(name.isEmpty ? "all" : name, x + 9, 48))
        x += 30 + 7 * Double(name.count)
      }
    }
    for (row, panel) in panels.enumerated() {
      for (column, curves) in panel.columns.enumerated() {
        let origin = (
          x: Self.panelWidth * Double(column), y: top + heightOfPanel * Double(row)
        )
        parts.append(
          "<g transform=\"translate(\(Self.number(origin.x)) \(Self.number(origin.y)))\">")
        parts.append(Self.text("\(panel.title), top-1 %", 54, 8))
        parts += isCurves ? drawCurves(curves) : drawList(curves)
        parts.append("</g>")
      }
    }
    if let xLabel, isCurves {
      for index in columns.indices {
        let middle = Self.panelWidth * (Double(index) + 0.5)
        parts.append(Self.text(xLabel, middle, height - 8, anchor: "middle"))
      }
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  /// The scale of a column's numbers, spreads included: of two points at least, so that a tenth of
  /// a point is not drawn as a cliff, with room above for the highest one's number.
  private func scale(_ curves: [Curve], about count: Int) -> AxisScale {
    let points = curves.flatMap(\.points)
    let values = points.flatMap { [$0.y - ($0.deviation ?? 0), $0.y + ($0.deviation ?? 0)] }
    let (lowest, highest) = (values.min() ?? 0, values.max() ?? 100)
    let missing = max(0, 2 - (highest - lowest)) / 2
    let upper = highest + missing + (isCurves ? (highest - lowest) * 0.1 : 0)
    let ends = [max(min(lowest, 0), lowest - missing), min(max(highest, 100), upper)]
    return AxisScale(covering: ends, about: count, padded: true)
  }

  private func drawCurves(_ curves: [Curve]) -> [String] {
    let points = curves.flatMap(\.points)
    guard !points.isEmpty else { return [Self.text("not measured", 54, 90)] }
    let (left, right, top, bottom) = (54.0, 18.0, 28.0, 28.0)
    let y = scale(curves, about: 4)
    func scaled(_ x: Double) -> Double { isLogarithmic ? log2(max(x, 1e-9)) : x }
    let positions = Set(points.compactMap(\.x)).sorted()
    let x = AxisScale(covering: positions.map(scaled), about: 5, padded: false)
    let inner = Self.panelWidth - left - right - 24
    func place(x value: Double) -> Double { left + 12 + x.position(of: scaled(value)) * inner }
    func place(y value: Double) -> Double {
      Self.panelHeight - bottom - y.position(of: value) * (Self.panelHeight - top - bottom)
    }
    var parts = y.ticks.map { tick in
      Self.line(left, place(y: tick), Self.panelWidth - right, place(y: tick), "#e2e5ea")
        + Self.text(y.label(tick), left - 7, place(y: tick) + 4, anchor: "end")
    }
    var last = -Double.infinity
    for position in positions where place(x: position) - last > 26 {
      last = place(x: position)
      parts.append(
        Self.text(AxisScale.short(position), last, Self.panelHeight - bottom + 17, anchor: "middle")
      )
    }
    for curve in curves {
      let color = color(curve.name)
      let line = curve.points.map { point in
        "\(Self.number(place(x: point.x ?? 0))),\(Self.number(place(y: point.y)))"
      }
      parts.append(
        "<polyline points=\"\(line.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\" "
          + "stroke-width=\"1.8\"/>")
      for point in curve.points {
        let (px, py) = (place(x: point.x ?? 0), place(y: point.y))
        if let deviation = point.deviation {
          parts.append(
            Self.line(px, place(y: point.y - deviation), px, place(y: point.y + deviation), color))
        }
        parts.append(Self.dot(px, py, color, title: Self.said(point, curve.name)))
        parts.append(
          Self.text(Formatted.fixed(point.y, 1), px, py - 8, anchor: "middle", class: "value"))
      }
    }
    return parts
  }

  private func drawList(_ curves: [Curve]) -> [String] {
    let points = curves.flatMap { curve in curve.points.map { (curve.name, $0) } }
    guard !points.isEmpty else { return [Self.text("not measured", 54, 44)] }
    let (left, right, top) = (206.0, 60.0, 30.0)
    let x = scale(curves, about: 3)
    func place(_ value: Double) -> Double {
      left + x.position(of: value) * (Self.panelWidth - left - right)
    }
    let bottom = top + Double(points.count) * Self.lineOfList
    var parts = x.ticks.map { tick in
      Self.line(place(tick), top - 8, place(tick), bottom - 8, "#e2e5ea")
        + Self.text(x.label(tick), place(tick), bottom + 8, anchor: "middle")
    }
    for (row, (name, point)) in points.enumerated() {
      let y = top + (Double(row) + 0.3) * Self.lineOfList
      let color = color(name)
      let label = point.label.count > 30 ? point.label.prefix(29) + "…" : point.label[...]
      parts.append(Self.text(String(label), left - 12, y + 4, anchor: "end"))
      if let deviation = point.deviation {
        parts.append(Self.line(place(point.y - deviation), y, place(point.y + deviation), y, color))
      }
      parts.append(Self.dot(place(point.y), y, color, title: Self.said(point, name)))
      parts.append(
        Self.text(
          Formatted.fixed(point.y, 1), Self.panelWidth - right + 10, y + 4, class: "value"))
    }
    return parts
  }

  // MARK: marks

  private static func number(_ value: Double) -> String {
    ScalarText.written((value * 10).rounded() / 10)
  }

  /// What is shown of a point under the pointer: `block-wise, 75 %: 72.31 ± 0.40`.
  private static func said(_ point: Point, _ curve: String) -> String {
    let label = curve.isEmpty || point.label.contains(curve) ? "" : "\(curve), "
    let deviation = point.deviation.map { " ± \(Formatted.fixed($0, 2))" } ?? ""
    return "\(label)\(point.label): \(Formatted.fixed(point.y, 2))\(deviation)"
  }

  private static func dot(_ x: Double, _ y: Double, _ color: String, title: String) -> String {
    "<circle cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"3.5\" fill=\"\(color)\">"
      + "<title>\(title.escapedForMarkup)</title></circle>"
  }

  private static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String
  ) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
      + "stroke=\"\(color)\" stroke-width=\"1.2\"/>"
  }

  private static func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "start", class name: String = ""
  ) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\""
      + (name.isEmpty ? "" : " class=\"\(name)\"") + ">\(text.escapedForMarkup)</text>"
  }
}
