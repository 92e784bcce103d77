@testable import FileSystem
@testable import Reports
@testable import Runs
import Foundation
import Imaging
import Testing
import Torch

/// `results.json` and `report.html` of a run.
@Suite struct RunPageTests {
  private static let classification = RunResults.Classification(
    top1: 0.8125, top5: 0.9875, trainingImages: 4321, testImages: 987, classes: 10,
    settings: "k 20", seconds: 3)

  @Test func partsAreFilledInOneByOne() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "")
    #expect(try RunResults.read(fixture("run")).probe.isEmpty)
    try RunResults.update(fixture("run")) { $0.probe["a"] = Self.classification }
    try RunResults.update(fixture("run")) {
      $0.knn["a"] = Self.classification
      $0.knn["a"]?.top1 = 0.5
      $0.knn["b"] = Self.classification
    }
    let results = try RunResults.read(fixture("run"))
    #expect(results.probe == ["a": Self.classification] && results.knn["a"]?.top1 == 0.5)
    #expect(results.knn["b"] == Self.classification)
    // Where there is no run, nothing is written.
    try fixture.write("other/model.json", "{}")
    try RunResults.update(fixture("other")) { $0.probe["a"] = Self.classification }
    try RunPage.write(for: fixture("other"))
    #expect(fixture.names("other") == ["model.json"])
    try fixture.write("run/results.json", "{\"probe\": 3}")
    #expect(throws: FileError.self) { try RunResults.update(fixture("run")) { _ in } }
    #expect(try fixture.text("run/results.json") == "{\"probe\": 3}")
  }

  private static func trained(
    _ name: String, blocks: Double? = nil, scratch: Bool = false, share: Double = 1, top1: Double,
    recipe: String = "finetune", classes: Int = 10, encoder: String = "128 × 4, 4 heads",
    asNamed: Bool = true
  ) -> RunResults.TrainedClassifier {
    RunResults.TrainedClassifier(
      protocolName: name, blocks: blocks, isFromScratch: scratch, recipe: recipe, data: "clothes",
      labelShare: share, epochs: 7, top1: top1, top5: 1, calibrationError: 0.03,
      trainingImages: 600, testImages: 100, classes: classes, parameters: 9, seconds: 61,
      encoder: encoder, isAsNamed: asNamed)
  }

  /// Everything that learned from labels stands in one table, all labels before few, by what is
  /// trained.
  @Test func protocolsStandSideBySide() throws {
    var results = RunResults()
    #expect(RunPage.labelsTable(results) == nil)
    results.knn["clothes"] = Self.classification
    results.probe["clothes, 1 % of the labels"] = Self.classification
    results.probe["clothes, 1 % of the labels"]?.labelShare = 0.01
    results.trained = [
      "a": Self.trained("from scratch", scratch: true, top1: 0.7),
      "b": Self.trained("fine-tuned", top1: 0.9),
      "c": Self.trained("last ½ block", blocks: 0.5, top1: 0.8),
      "d": Self.trained("fine-tuned", share: 0.01, top1: 0.77),
      "e": Self.trained("from scratch", scratch: true, share: 0.01, top1: 0.71),
      "f": Self.trained("last 2 blocks", blocks: 2, top1: 0.85),
    ]
    let table = try #require(RunPage.labelsTable(results))
    #expect(
      table.rows.map { $0[0] } == [
        "kNN", "last ½ block", "last 2 blocks", "fine-tuned", "from scratch",
        "linear probe (exact)", "fine-tuned", "from scratch",
      ])
    #expect(table.rows[5][2] == "4321 (1.0 %)")
    #expect(table.rows[6][2] == "600 (1.0 %)" && table.rows[6][4] == "77.0 %")
    #expect(table.rows.allSatisfy { $0[6] == "–" })
    results.trained["g/again"] = Self.trained("last 2 blocks", blocks: 2, top1: 0.86)
    let twice = RunPage.labelsTable(results)?.rows.map { $0[0] } ?? []
    #expect(twice.contains("last 2 blocks, finetune in again"))
    #expect(twice.contains("last 2 blocks, finetune in f") && twice.contains("last ½ block"))
    results.trained["g/again"] = nil
    #expect(RunPage.comparison(results)?.contains("77.0 % where training from scratch") == true)
    let chart = try #require(RunPage.partialChart(results, depth: 4))
    #expect(chart.curves[0].points.map(\.x) == [0.5, 2, 4])
  }

  @Test func thePapersValuesStandBesideItsOwnSettings() {
    func value(
      _ recipe: String, _ encoder: String, blocks: Double? = nil, scratch: Bool = false,
      classes: Int = 1000, asNamed: Bool = true
    ) -> Double? {
      PaperValues.top1(
        Self.trained(
          "", blocks: blocks, scratch: scratch, top1: 0, recipe: recipe, classes: classes,
          encoder: encoder, asNamed: asNamed))?.percent
    }
    let (base, large) = ("768 × 12, 12 heads", "1024 × 24, 16 heads")
    #expect(value("paper-table9-vit-base", base) == 83.6)
    #expect(value("finetune-vit-large", large) == 85.9)
    #expect(value("paper-table10-linear-probe", base, blocks: 0) == 68.0)
    #expect(value("paper-table11-scratch-vit-large", large, scratch: true) == 82.6)
    #expect(value("paper-table9-vit-large", large, blocks: 0.5) == 79.1)
    #expect(value("paper-table9-vit-large", large, blocks: 4) == 84.2)
    #expect(value("paper-table9-vit-large", large, blocks: 5) == nil)
    #expect(value("paper-table9-vit-base", base, classes: 10) == nil)
    #expect(value("finetune", base) == nil)
    #expect(value("paper-table9-vit-base", base, asNamed: false) == nil)
    #expect(value("paper-table9-vit-base", large) == nil)
    #expect(value("paper-table9-vit-large", large, blocks: 0) == nil)
  }

  @Test func pagesTellEverything() throws {
    let fixture = try TemporaryRun(images: 8)
    let name = "run <b>&\"'"
    try fixture.train(.tiny(steps: 6), name)
    let run = fixture(name)
    try fixture.write("\(name)/reconstructions/step-6.png", TemporaryRun.picture(1).encodedAsPNG())
    try fixture.write(
      "\(name)/reconstructions/<i>sheet.png", TemporaryRun.picture(2).encodedAsPNG())
    try RunResults.update(run) { results in
      results.pretraining = .init(
        steps: 6, epochs: 3, images: 8, loss: 0.7, seconds: 65, parameters: 12_345,
        brokenFiles: ["<script>alert(1)</script>.png"])
      results.reconstruction = ReconstructionScore(
        meanSquaredError: 0.0125, meanFill: 0.05, nearestFill: 0.0625, images: 1000, ratio: 0.75,
        usesOriginalStatistics: true)
      results.knn["<u>clothes"] = Self.classification
      results.probe["<u>clothes"] = Self.classification
    }
    try RunPage.write(for: run)
    let page = try fixture.text(name + "/report.html")
    for word in [
      "81.2 %", "98.8 %", "4321", "987", "k 20", "0.01250", "0.05000", "0.06250", "25.0 %",
      "12345", "Trained on 8 images", "16 × 16, 1 channels, patch 4", "pixels", "75.0 %",
      "Learning rate", "mean and deviation", "&lt;script&gt;", "run &lt;b&gt;&amp;&quot;&#39;",
      "Training images after 6 steps", "&lt;i&gt;sheet.png", "&lt;u&gt;clothes",
    ] { #expect(page.contains(word), "\(word)") }
    for word in ["<script", "<b>", "<i>", "<u>", "src=\"/", "href=\"http", "url(", "<link"] {
      #expect(!page.contains(word), "\(word)")
    }
    #expect(page.components(separatedBy: "data:image/png;base64,").count - 1 == 2)
    #expect(page.components(separatedBy: "<svg").count - 1 >= 2)
  }

  @Test func pagesOfYoungRuns() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "")
    try RunPage.write(for: fixture("run"))
    #expect(try fixture.text("run/report.html").contains("<h1>run</h1>"))
  }
}
