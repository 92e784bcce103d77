@testable import Reports
@testable import Runs
import Foundation
import MaskedAutoencoders
import Testing

@testable import Training

/// `results.json`: many writers, and files of before.
@Suite struct RunResultsTests {
  private func result(_ top1: Double) -> RunResults.Classification {
    RunResults.Classification(
      top1: top1, top5: 1, trainingImages: 10, testImages: 4, classes: 2, settings: "k 20",
      seconds: 3)
  }

  /// Each opens the folder for itself, as other programs do.
  @Test func `results of many writers at once are all kept`() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "")
    let (run, count) = (fixture("run"), 48)
    DispatchQueue.concurrentPerform(iterations: count) { number in
      try? RunResults.update(run) { $0.knn["\(number)"] = result(Double(number)) }
      try? RunPage.write(for: run)
    }
    let kept = try RunResults.read(run).knn
    #expect(kept.count == count)
    for number in 0..<count { #expect(kept["\(number)"]?.top1 == Double(number)) }
    // The page was written last by one that had seen all, and nothing is left behind.
    let page = try fixture.text("run/report.html")
    for number in 0..<count { #expect(page.contains("<td>\(number)</td>"), "\(number)") }
    #expect(fixture.names("run") == ["recipe.yaml", "report.html", "results.json"])
  }

  @Test func `results of before are read, with what the paper reports`() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "")
    try fixture.write(
      "run/results.json",
      """
      {"trained": {".": {"protocolName": "fine-tuned", "isFromScratch": false,
        "recipe": "paper-table9-vit-large", "data": "imagenet", "labelShare": 1, "epochs": 50,
        "top1": 0.859, "top5": 0.97, "calibrationError": 0.03, "trainingImages": 1281167,
        "testImages": 50000, "classes": 1000, "parameters": 9, "seconds": 61,
        "encoder": "1024 × 24, 16 heads", "isAsNamed": true}}}
      """)
    var own = try #require(try RunResults.read(fixture("run")).ownClassifier)
    #expect(own.shape == nil && own.training == nil)
    #expect(PaperValues.top1(own) == .init(percent: 85.9, place: "Table 3"))
    // A result of today has it with it.
    own.shape = .large
    own.training = .init(blocks: own.blocks, isFromScratch: own.isFromScratch)
    own.compare(withPaperAs: true)
    #expect(own.training == .fineTuned && own.paper == .init(percent: 85.9, place: "Table 3"))
    own.encoder = "in other words"
    #expect(PaperValues.top1(own)?.percent == 85.9)
    let kept = own
    try RunResults.update(fixture("run")) { $0.ownClassifier = kept }
    #expect(try RunResults.read(fixture("run")).trained == [".": kept])
    own.compare(withPaperAs: false)
    #expect(own.paper == nil && PaperValues.top1(own) == nil)
  }

  @Test(
    arguments: [
      (nil, false, .fineTuned), (nil, true, .scratch), (0, false, .linearProbe),
      (0.5, false, .partial),
      (4, false, .partial),
    ] as [(Double?, Bool, RunResults.TrainingProtocol)])
  func `protocols are named by what is trained`(
    blocks: Double?, isFromScratch: Bool, expected: RunResults.TrainingProtocol
  ) {
    #expect(RunResults.TrainingProtocol(blocks: blocks, isFromScratch: isFromScratch) == expected)
  }
}
