import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import TestSupport
import Testing
import Torch
import Training

/// The code of the tutorials and of the modules' pages.
@Suite struct TutorialExampleTests {
  @Test(arguments: [0.25, 0.5, 0.75])
  func `masked columns are a masking strategy`(ratio: Double) {
    MaskingStrategyChecker(ColumnMasking(ratio: ratio)) { grid in
      Int(Double(grid.columns) * (1 - ratio)) * grid.rows
    }.check()
  }

  @Test func `columns are hidden whole`() {
    let grid = PatchGrid(rows: 4, columns: 8)
    let mask = ColumnMasking().mask(grid, batch: 3, using: Generator(seed: 4))
    let rows = mask.indicator.reshaped([3, 4, 8]).sum([1])  // [3, 8]
    #expect(rows.floats().allSatisfy { $0 == 0 || $0 == 4 })
    #expect(rows.floats().count { $0 == 0 } == 3 * 2)
  }

  @Test func `a run with columns hidden is trained and drawn`() throws {
    let folder = NSTemporaryDirectory() + "mae-columns-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: folder + "/photos", withIntermediateDirectories: true)
    for number in 0..<4 {
      let image = ByteImage(
        width: 16, height: 16, channels: 1, pixels: (0..<256).map { UInt8($0 * (number + 3) % 251) }
      )
      try Data(image.encodedAsPNG())
        .write(to: URL(fileURLWithPath: "\(folder)/photos/\(number).png"))
    }
    func train(_ settings: String..., out: String) throws {
      let recipe = try RecipeBooks.pretraining.resolve(
        "small-images",
        settings: [
          "model={height: 16, width: 16, channels: 1, patch: 4}",
          "model.encoder={width: 16, depth: 1, heads: 2}",
          "model.decoder={width: 8, depth: 1, heads: 2}", "batch.size=4", "schedule.steps=2",
          "data.normalization={mean: [0.5], std: [0.25]}", "data.workers=1",
        ] + settings)
      _ = try TrainingRun<PretrainingTask>(
        recipe, PretrainingInputs(data: folder + "/photos"), .init(out: "\(folder)/\(out)")
      ).run(callbacks: [])
    }
    // By the name that the page gives it, as its command line does.
    try MaskingStrategies.$added.withValue([ColumnMasking.self]) {
      try train("masking.strategy=columns", "masking.ratio=0.75", out: "columns")
      let model = try LoadedModel(folder + "/columns")
      #expect(model.description.masking == Masking(ColumnMasking(ratio: 0.75)))
    }
    try train(out: "random")
    let sheet = try columnsFilledIn(by: folder + "/random", folder + "/photos")
    #expect(sheet.starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test func `the line of the tutorial fits the list`() throws {
    let page = try Texts.text("Documentation/Tutorials/NewMaskOrTarget.md")
    let diffs = Texts.blocks("diff", in: page)
    #expect(diffs.count == 1)
    for diff in diffs { try Texts.expectFits(diff) }
  }

  @Test func `the example of a gradient is one`() throws {
    let x = Tensor([1, -2, 0.5] as [Float])
    let gradient = try #require(gradientOfSquares(at: x))
    #expect(gradient.floats() == [2, -4, 1])
    #expect(!x.requiresGradient)
  }
}
