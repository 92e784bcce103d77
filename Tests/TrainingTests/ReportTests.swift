@testable import Reports
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct ReportTests {
  static let hostile = "<script>alert(\"x\")</script> & 'y' \u{1}"

  static func points(_ count: Int) -> [(x: Double, y: Double)] {
    (0..<count).map { (Double($0), sin(Double($0) / 50)) }
  }

  @Test func `empty parts leave no trace`() {
    let html = RunReport(title: "T").html
    #expect(html.contains("<h1>T</h1>"))
    for part in ["<section", "<figure", "<table", "<dl", "<p"] { #expect(!html.contains(part)) }
  }

  /// No script, no reference to another file, every tag closed.
  @Test func `pages stand alone`() throws {
    let report = RunReport(
      title: "Title", subtitle: "Subtitle", summary: ["One.", "Two."],
      highlights: [.init("1", "a")],
      tables: [
        .init(
          title: "Table", columns: ["", "n"], rows: [["a", "1"], ["b", "2"]], emphasized: [1],
          note: "Note.")
      ],
      pictures: [.init(caption: "Caption", png: LoggingTensorBoardTests.png)],
      charts: [
        .init(
          title: "Loss", xLabel: "epoch",
          curves: [.init("train", points: Self.points(100)), .init("test", points: [(1, 2)])],
          note: "Chart note.")
      ],
      facts: [.init("Model", "tiny")])
    let html = report.html
    for word in [
      "Subtitle", "<p>One.</p>", "<tr class=\"emphasized\"><th scope=\"row\">b</th><td>2</td></tr>",
      "Caption", "Chart note.", "Note.", "tiny", "prefers-color-scheme: dark",
      "<span class=\"c1\">test</span>", "<circle class=\"alone\"",
      "data:image/png;base64," + LoggingTensorBoardTests.png.base64EncodedString(),
    ] { #expect(html.contains(word), "\(word)") }
    for word in ["<script", "http", "src=\"/", "url(", "@import", "<link"] {
      #expect(!html.contains(word), "\(word)")
    }
    for tag in ["main", "header", "section", "table", "thead", "tbody", "tr", "svg", "g", "figure"]
    {
      #expect(
        html.count(of: "<\(tag)>") + html.count(of: "<\(tag) ") == html.count(of: "</\(tag)>"))
    }
  }

  @Test func `texts are escaped everywhere`() {
    let h = Self.hostile
    let report = RunReport(
      title: h, subtitle: h, summary: [h], highlights: [.init(h, h)],
      tables: [.init(title: h, columns: [h], rows: [[h, h]], note: h)],
      pictures: [.init(caption: h, png: Data())],
      charts: [
        .init(
          title: h, xLabel: h, curves: [.init(h, points: [(0, 0), (1, 1)]), .init(h, [])], note: h)
      ],
      facts: [.init(h, h)])
    let html = report.html
    #expect(!html.contains("<script"))
    #expect(!html.contains("\u{1}"))
    #expect(html.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;"))
  }

  @Test func `small pictures are enlarged by whole factors`() {
    func html(width: UInt8) -> String {
      var png = LoggingTensorBoardTests.png
      png.replaceSubrange(16..<20, with: [0, 0, 0, width])
      return RunReport(title: "", pictures: [.init(caption: "", png: png)]).html
    }
    #expect(html(width: 240).contains("width=\"720\" class=\"pixels\""))
    #expect(html(width: 8).contains("width=\"32\" class=\"pixels\""))
    #expect(
      !RunReport(title: "", pictures: [.init(caption: "", png: Data())]).html.contains("width=\""))
  }

  @Test(arguments: [
    ([0.0, 1], 5, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ([0.35, 0.95], 5, ["0.2", "0.4", "0.6", "0.8", "1.0"]),
    ([0, 800], 8, ["0", "100", "200", "300", "400", "500", "600", "700", "800"]),
    ([0, 2.4e-3], 5, ["0", "0.0005", "0.0010", "0.0015", "0.0020", "0.0025"]),
    ([0, 1.5e-5], 3, ["0", "5e-6", "1e-5", "1.5e-5"]),
    ([-3, 3], 3, ["-4", "-2", "0", "2", "4"]),
    ([0, 3e7], 3, ["0", "1e7", "2e7", "3e7"]),
    ([5, 5], 2, ["0", "5", "10"]),
    ([], 2, ["0", "0.5", "1.0"]),
    ([.nan, .infinity, 0, 1], 2, ["0", "0.5", "1.0"]),
  ])
  func `ticks are round`(values: [Double], count: Int, labels: [String]) {
    let scale = AxisScale(covering: values, about: count, padded: true)
    #expect(scale.ticks.map(scale.label) == labels)
  }

  @Test func `charts survive any numbers`() {
    let odd: [Double] = [
      0, -0.0, 1, -1, .nan, .infinity, -.infinity, 1e308, -1e308, 1e-308, .leastNonzeroMagnitude,
    ]
    for a in odd {
      for b in odd {
        let curve = RunReport.Curve("c", points: [(a, b), (b, a), (a, a)])
        let svg = LineChart(.init(title: "", xLabel: "", curves: [curve])).svg
        #expect(!svg.contains("nan") && !svg.contains("inf"), "\(a) \(b)\n\(svg)")
        #expect(svg.count(of: "<line") < 60)
      }
    }
  }

  @Test func `gaps split curves`() {
    let points: [(x: Double, y: Double)] = [
      (0, 1), (1, 2), (2, .nan), (3, 3), (4, .nan), (5, 1), (6, 2),
    ]
    let svg = LineChart(.init(title: "", xLabel: "", curves: [.init("c", points: points)])).svg
    #expect(svg.count(of: "<polyline") == 2)
    #expect(svg.count(of: "class=\"alone\"") == 1)
  }

  /// Corners of the plot, from the chart's margins: 56 and 12 at the sides, 10 and 44 above and
  /// below.
  @Test func `curves end where their axes do`() {
    let curve = RunReport.Curve("c", points: [(0, 0), (10, 5)])
    let svg = LineChart(.init(title: "", xLabel: "steps", curves: [curve])).svg
    #expect(svg.contains("<polyline points=\"56,256 724,10\"/>"))
    #expect(svg.contains(">steps 10 · c 5</text>"))
    #expect(svg.contains("aria-label=\", over steps; c ends at 5\""))
  }

  /// Bands lie side by side over the whole plot, the pointer is in one of them.
  @Test func `every place of a chart shows the values nearest to it`() throws {
    let curves = [
      RunReport.Curve("a<b", points: [(0, 1), (1, 2), (3, .nan), (4, 3)]),
      RunReport.Curve("test", points: [(1, 5), (4, 0)]),
    ]
    let svg = LineChart(.init(title: "", xLabel: "epochs", yLabel: "nats & co", curves: curves)).svg
    #expect(svg.contains("<text x=\"0\" y=\"12\">nats &amp; co</text>"))
    for text in [
      "epochs 0 · a&lt;b 1<", "epochs 1 · a&lt;b 2 · test 5<", "epochs 4 · a&lt;b 3 · test 0<",
    ] { #expect(svg.contains(text), "\(text)") }
    #expect(svg.count(of: "class=\"at\"") == 3)
    let bands = svg.matches(of: #/<rect x="([\d.]+)" y="30" width="([\d.]+)" height="246"/#)
      .compactMap { match in
        Double(match.output.1).flatMap { x in Double(match.output.2).map { (x, $0) } }
      }
    #expect(bands.count == 3)
    for (left, right) in zip(bands, bands.dropFirst()) {
      #expect(abs(left.0 + left.1 - right.0) < 0.2)
    }
    let last = try #require(bands.last)
    #expect(bands[0].0 == 48 && last.0 + last.1 == 724)
  }

  @Test func `long curves are thinned but keep their spikes`() {
    var points = Self.points(100_000)
    points[54_321].y = 98
    let chart = RunReport.Chart(title: "", xLabel: "steps", curves: [.init("c", points: points)])
    let svg = LineChart(chart).svg
    #expect(svg.utf8.count < 60_000)
    #expect(svg.contains(">100<"))
    #expect(svg.count(of: "class=\"at\"") == 90)
    let peak = 256 - (98.0 + 20) / 120 * 246
    #expect(svg.contains(",\((peak * 10).rounded() / 10) "))
  }
}

extension String {
  func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
