@testable import Reports
import Foundation
import TestSupport
import Testing

/// What Chromium makes of a page; without it nothing is tested here.
private let chromium = ["chromium", "chromium-browser", "google-chrome"]
  .flatMap { name in ["/usr/bin/\(name)", "/usr/local/bin/\(name)"] }
  .first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite struct ReportLayoutTests {
  /// The tables of the program's own pages, as full as they get.
  private static let report = RunReport(
    title: "runs/vit-tiny-fashion-mnist-with-a-long-name", subtitle: "Fashion-MNIST, recipe demo",
    summary: [String(repeating: "A sentence that says what happened. ", count: 8)],
    highlights: [
      .init("52.4 %", "of the better trivial fill's error"), .init("81.2 %", "linear probe, top-1"),
      .init("88.1 %", "fine-tuning, top-1, fashion-mnist"), .init("11 min 24 s", "of training"),
    ],
    drawings: [
      .init(
        caption: "A study",
        svg: StudyPlot(
          title: "Study", xLabel: "share", columns: ["this study", "the paper"],
          panels: [
            .init(
              "fine-tuning",
              columns: [
                [.init("a", [.init("one", x: 0.1, y: 80), .init("two", x: 0.5, y: 83)])],
                [.init("a", [.init("one", x: 0.1, y: 81), .init("two", x: 0.5, y: 84)])],
              ])
          ]
        ).svg)
    ],
    tables: [
      .init(
        title: "What the frozen features are worth",
        columns: ["", "data", "top-1", "top-5", "learned from", "evaluated on", "settings"],
        rows: [
          [
            "kNN", "fashion-mnist", "81.2 %", "98.8 %", "60000 (100.0 %)", "10000",
            "k 20, temperature 0.07, features of the class token",
          ],
          [
            "linear probe", "a/folder/of/photographs/with_a_long_name", "71.2 %", "–",
            "600 (1.0 %)", "10000", "90 epochs, LARS, base rate 0.1, batch 16384",
          ],
        ]),
      .init(
        title: "Evaluated",
        columns: [
          "data", "top-1", "among the first", "mean of classes", "calibration error", "mCE",
          "images", "images/s",
        ],
        rows: [
          ["imagenet-sketch", "81.23 %", "95.12 %", "80.01 %", "2.34 %", "–", "50889", "123.4"],
          ["fashion-mnist", "81.23 %", "95.12 %", "80.01 %", "2.34 %", "101.2 %", "10000", "98.7"],
        ]),
      .init(
        title: "Evaluated on other sets",
        columns: ["data", "box AP", "box AP50", "mask AP", "mask AP50", "pictures"],
        rows: [["coco/annotations/instances_val2017.json", "41.2", "61.0", "37.1", "58.2", "5000"]]),
    ],
    charts: [
      .init(
        title: "Loss", xLabel: "epochs", yLabel: "nats",
        curves: [
          .init("loss", points: (0..<200).map { (Double($0) / 10, 1 / (1 + Double($0))) }),
          .init("validation", points: (0..<20).map { (Double($0), 1.2 / (1 + Double($0))) }),
        ])
    ],
    facts: [
      .init("image", "224 × 224, 3 channels, patch 16"),
      .init("files skipped", String(repeating: "a/very/long/path/without/spaces", count: 9)),
    ])

  /// Values of an expression in a page that Chromium has laid out in a window of a width.
  private func measured(_ html: String, width: Int, _ expression: String) throws -> [Double] {
    let folder = NSTemporaryDirectory() + "report-layout-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let script = "<script>document.title = 'is ' + (\(expression)).join(' ') + ' .'</script></body>"
    let page = html.replacing("</body>", with: script)
    try page.write(toFile: folder + "/page.html", atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(chromium))
    process.arguments = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
      "--user-data-dir=\(folder)/profile", "--window-size=\(width),900", "--dump-dom",
      "file://\(folder)/page.html",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let found = try #require(
      text.firstMatch(of: #/<title>is (.*?) \.</title>/#), "\(text.prefix(300))")
    return found.output.1.split(separator: " ").compactMap { Double($0) }
  }

  /// Width of the page, then of each table beside the room it has, then lines of a plot.
  private static let widths = """
    [document.documentElement.clientWidth, document.documentElement.scrollWidth,
     ...[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth)]
    """

  @Test(.enabled(if: chromium != nil), arguments: [700, 1000])
  func `pages and their tables fit the window`(width: Int) throws {
    let found = try measured(Self.report.html, width: width, Self.widths)
    #expect(found.count == 2 + 4)
    #expect(found.first == Double(width))
    #expect(found[1] <= Double(width), "the page is \(found[1]) wide")
    #expect(found.dropFirst(2).allSatisfy { $0 <= 0 }, "tables stand out by \(found.dropFirst(2))")
  }

  @Test(.enabled(if: chromium != nil))
  func `a table that no page can hold scrolls by itself`() throws {
    let report = RunReport(
      title: "T",
      tables: [
        .init(
          title: "Wide", columns: (0..<30).map { "column \($0)" },
          rows: [(0..<30).map { "\($0)000000" }])
      ])
    let found = try measured(report.html, width: 700, Self.widths)
    #expect(found[1] <= 700)
    #expect(found[2] > 0)
  }

  @Test(.enabled(if: chromium != nil))
  func `styles of a chart do not reach a plot, nor a plot's the page`() throws {
    let style = "getComputedStyle(document.querySelector"
    let found = try measured(
      Self.report.html, width: 700,
      """
      [parseFloat(\(style)('.study polyline')).strokeWidth),
       \(style)('.study polyline')).stroke === 'none' ? 0 : 1,
       \(style)('.chart text')).fontWeight,
       \(style)('.chart .tip')).visibility === 'hidden' ? 1 : 0,
       \(style)('.study text')).fontFamily === \(style)('.chart text')).fontFamily ? 1 : 0]
      """)
    #expect(found == [1.8, 1, 400, 1, 0])
  }
}
