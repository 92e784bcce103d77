import FileSystem
import Foundation
import Reports

extension AblationResults {
  /// Writes `results.json`, `results.csv`, `plot.svg` and `report.html` into a plan's folder.
  func write(to plan: AblationPlan) throws {
    let folder = plan.results
    try makeFolder(folder)
    try JSONFile.write(self, to: folder + "/results.json")
    try Self.write(csv, to: folder + "/results.csv")
    let plot = plot(of: plan.ablation)
    try Self.write(plot.svg, to: folder + "/plot.svg")
    try Self.write(report(of: plan.ablation, plot).html, to: folder + "/report.html")
  }

  private static func write(_ text: String, to path: String) throws(FileError) {
    try replaceFile(at: path) { (file) throws(FileError) in try file.write(text) }
  }

  /// Reads the results of an ablation in a folder.
  ///
  /// - Throws: `FileError` where there are none.
  public init(readingFrom folder: String) throws {
    self = try JSONFile.read(AblationResults.self, from: folder + "/results.json")
  }

  /// The rows as comma-separated values.
  var csv: String {
    let head = [
      "ablation", "row", "label", "series", "position", "changes", "seeds", "finetuned_mean",
      "finetuned_std", "probed_mean", "probed_std", "paper_finetuned", "paper_probed",
      "seconds_per_step", "gigaflops_per_image", "paper_hours",
    ]
    func number(_ value: Double?, _ digits: Int = 4) -> String {
      value.map { Formatted.fixed($0, digits) } ?? ""
    }
    let lines = rows.map { row in
      [
        ablation, row.name, row.label, row.series, row.position.map(AblationRow.text) ?? "",
        row.changes, "\(max(row.finetuned.values.count, row.probed.values.count))",
        number(row.finetuned.mean), number(row.finetuned.deviation), number(row.probed.mean),
        number(row.probed.deviation), number(row.paper.finetuned, 1),
        number(row.paper.probed, 1), number(row.secondsPerStep, 6), number(row.gigaflops),
        number(row.paper.hours, 1),
      ]
    }
    return ([head] + lines).map { $0.map(CSVText.field).joined(separator: ",") + "\n" }.joined()
  }

  /// The rows as people read them in a terminal.
  public var lines: [String] {
    let table = table
    let cells = [table.columns] + table.rows
    let widths = table.columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      var line = row[0].padding(toLength: max(widths[0], row[0].count), withPad: " ", startingAt: 0)
      for (cell, width) in zip(row, widths).dropFirst() {
        line += "  " + String(repeating: " ", count: max(0, width - cell.count)) + cell
      }
      return line
    } + [""] + sentences
  }

  /// The rows beside the paper's, with the columns that the ablation measures.
  var table: RunReport.Table {
    var columns = [""]
    var cells: [(Row) -> String] = [{ $0.label }]
    func add(_ title: String, where isThere: (Row) -> Bool, _ cell: @escaping (Row) -> String) {
      guard rows.contains(where: isThere) else { return }
      columns.append(title)
      cells.append(cell)
    }
    func percent(_ value: Double?) -> String { value.map { Formatted.fixed($0, 1) } ?? "–" }
    add("series", where: { !$0.series.isEmpty }) { $0.series }
    add(
      "fine-tuned", where: { !$0.finetuned.values.isEmpty || $0.paper.finetuned != nil },
      { $0.finetuned.text })
    add("the paper", where: { $0.paper.finetuned != nil }) { percent($0.paper.finetuned) }
    add(
      "linear probe", where: { !$0.probed.values.isEmpty || $0.paper.probed != nil },
      { $0.probed.text })
    add("the paper", where: { $0.paper.probed != nil }) { percent($0.paper.probed) }
    if let slowest = rows.compactMap(\.secondsPerStep).max() {
      add("step", where: { _ in true }) { row in
        row.secondsPerStep.map { "\(Formatted.fixed(1000 * $0, 1)) ms" } ?? "–"
      }
      add("speed-up", where: { _ in true }) { row in
        row.secondsPerStep.map { "\(Formatted.fixed(slowest / $0, 2)) ×" } ?? "–"
      }
    }
    if let most = rows.compactMap(\.paper.hours).max() {
      add("GFLOP an image", where: { $0.gigaflops != nil }) { row in
        row.gigaflops.map { Formatted.fixed($0, 3) } ?? "–"
      }
      add("the paper's hours", where: { $0.paper.hours != nil }) { percent($0.paper.hours) }
      add("speed-up", where: { $0.paper.hours != nil }) { row in
        row.paper.hours.map { "\(Formatted.fixed(most / $0, 1)) ×" } ?? "–"
      }
    }
    let remarks = rows.filter { !$0.remark.isEmpty }.map { "\($0.label): \($0.remark)" }
    let seeds = rows.map { max($0.finetuned.values.count, $0.probed.values.count) }.max() ?? 0
    let spread =
      seeds > 1
      ? "Mean ± sample standard deviation over \(seeds) seeds, which also choose the labelled images. "
      : "One seed, so differences of a few tenths mean nothing. "
    return RunReport.Table(
      title: "\(title), \(place)", columns: columns,
      rows: rows.map { row in cells.map { $0(row) } },
      note: "Top-1 in per cent. " + spread
        + (remarks.isEmpty ? "" : remarks.joined(separator: "; ") + "."))
  }

  func plot(of ablation: Ablation) -> StudyPlot {
    var series: [String] = []
    for row in rows where !series.contains(row.series) { series.append(row.series) }
    func curves(_ point: (Row) -> StudyPlot.Point?) -> [StudyPlot.Curve] {
      series.map { name in
        StudyPlot.Curve(name, rows.filter { $0.series == name }.compactMap(point))
      }.filter { !$0.points.isEmpty }
    }
    func panel(
      _ title: String, _ ours: @escaping (Row) -> Samples, _ papers: @escaping (Row) -> Double?
    ) -> StudyPlot.Panel? {
      let study = curves { row in
        ours(row).mean.map {
          .init(row.label, x: row.position, y: $0, deviation: ours(row).deviation)
        }
      }
      guard !study.isEmpty else { return nil }
      let paper = curves { row in
        papers(row).map { .init(row.label, x: row.position, y: $0) }
      }
      return StudyPlot.Panel(title, columns: [study, paper])
    }
    return StudyPlot(
      title: "\(title): this study beside \(place)", xLabel: ablation.axis?.title,
      isLogarithmic: ablation.axis?.isLogarithmic == true,
      columns: ["this study (\(data), \(scale))", "the paper (ImageNet-1K, ViT-L)"],
      panels: [
        panel("fine-tuning", \.finetuned, \.paper.finetuned),
        panel("linear probe", \.probed, \.paper.probed),
      ].compactMap(\.self))
  }

  func report(of ablation: Ablation, _ plot: StudyPlot) -> RunReport {
    let seconds = rows.reduce(0) { $0 + $1.seconds }
    return RunReport(
      title: title, subtitle: "\(place) of He et al. (2022), at the \(scale) scale, on \(data)",
      summary: [
        "The paper: \(ablation.finding)",
        "This study: \(setting.study). The paper: \(setting.paper). Numbers of so different sizes cannot "
          + "be compared; what can be is whether rows come in the same order.",
        "\(setting.measures).",
      ] + sentences,
      drawings: plot.panels.isEmpty
        ? []
        : [
          .init(
            caption: "Top-1 accuracy of each row, this study's on the left and the paper's on the "
              + "right, each with its own scale.", svg: plot.svg)
        ],
      tables: [table],
      facts: [.init("seeds", "\(setting.seeds)")]
        + (seconds > 0 ? [.init("pre-training", Formatted.duration(seconds))] : [])
        + rows.map { .init($0.label, "\($0.changes)\n\($0.folders.joined(separator: "\n"))") })
  }
}
