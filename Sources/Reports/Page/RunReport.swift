public import Foundation

/// What a run has to show, as values; ``html`` makes a page of it.
///
/// Parts that are empty leave no trace on the page. All texts are plain: they are escaped.
public struct RunReport: Hashable, Sendable {
  /// What the page is called.
  public var title: String
  /// A line below the title, such as the data, the recipe and the date.
  public var subtitle: String
  /// Sentences that say what happened and what it means, each a paragraph.
  public var summary: [String]
  /// The few numbers to remember, shown large.
  public var highlights: [Highlight]
  /// Plots that are files of their own too, above the tables.
  public var drawings: [Drawing]
  /// Numbers side by side.
  public var tables: [Table]
  /// Pictures, in the order of the page.
  public var pictures: [Picture]
  /// How values went over time.
  public var charts: [Chart]
  /// What was run, on what, with which values.
  public var facts: [Fact]

  /// Creates a report.
  public init(
    title: String, subtitle: String = "", summary: [String] = [], highlights: [Highlight] = [],
    drawings: [Drawing] = [], tables: [Table] = [], pictures: [Picture] = [], charts: [Chart] = [],
    facts: [Fact] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.summary = summary
    self.highlights = highlights
    self.drawings = drawings
    self.tables = tables
    self.pictures = pictures
    self.charts = charts
    self.facts = facts
  }

  /// A number to remember.
  public struct Highlight: Hashable, Sendable {
    /// The number with its unit.
    public var value: String
    /// What it counts.
    public var label: String

    /// Creates a highlight.
    public init(_ value: String, _ label: String) {
      self.value = value
      self.label = label
    }
  }

  /// A plot as an SVG file has it.
  public struct Drawing: Hashable, Sendable {
    /// What it shows.
    public var caption: String
    /// The file's text, which becomes part of the page as it is.
    public var svg: String

    /// Creates a drawing.
    public init(caption: String, svg: String) {
      self.caption = caption
      self.svg = svg
    }
  }

  /// Numbers in rows and columns.
  public struct Table: Hashable, Sendable {
    /// Its heading.
    public var title: String
    /// Names of the columns.
    public var columns: [String]
    /// Rows of cells, the first of each names the row.
    public var rows: [[String]]
    /// Rows to stress, by their position.
    public var emphasized: Set<Int>
    /// What the numbers mean, or where they come from.
    public var note: String

    /// Creates a table.
    public init(
      title: String, columns: [String], rows: [[String]], emphasized: Set<Int> = [],
      note: String = ""
    ) {
      self.title = title
      self.columns = columns
      self.rows = rows
      self.emphasized = emphasized
      self.note = note
    }
  }

  /// A picture that becomes part of the page.
  public struct Picture: Hashable, Sendable {
    /// What it shows.
    public var caption: String
    /// A PNG file's bytes.
    public var png: Data

    /// Creates a picture.
    public init(caption: String, png: Data) {
      self.caption = caption
      self.png = png
    }
  }

  /// Curves over one axis.
  public struct Chart: Hashable, Sendable {
    /// Its heading.
    public var title: String
    /// What the horizontal axis counts.
    public var xLabel: String
    /// What the vertical axis measures, with its unit; empty where the title says it.
    public var yLabel: String
    /// The curves; more than one get a legend.
    public var curves: [Curve]
    /// What to see in it.
    public var note: String

    /// Creates a chart.
    public init(
      title: String, xLabel: String, yLabel: String = "", curves: [Curve], note: String = ""
    ) {
      self.title = title
      self.xLabel = xLabel
      self.yLabel = yLabel
      self.curves = curves
      self.note = note
    }
  }

  /// A curve; points that are not finite leave a gap.
  public struct Curve: Hashable, Sendable {
    /// What it shows.
    public var name: String
    /// Its points from left to right.
    public var points: [Point]

    /// Creates a curve.
    public init(_ name: String, _ points: [Point]) {
      self.name = name
      self.points = points
    }

    /// Creates a curve from pairs.
    public init(_ name: String, points: [(x: Double, y: Double)]) {
      self.init(name, points.map { Point(x: $0.x, y: $0.y) })
    }
  }

  /// A point of a curve.
  public struct Point: Hashable, Sendable {
    /// Its place on the horizontal axis.
    public var x: Double
    /// Its height.
    public var y: Double

    /// Creates a point.
    public init(x: Double, y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// A name and its value.
  public struct Fact: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String

    /// Creates a fact.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }
}
