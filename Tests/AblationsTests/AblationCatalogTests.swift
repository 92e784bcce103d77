import Recipes
import Testing

@testable import Ablations

/// The experiments as values.
@Suite struct AblationCatalogTests {
  @Test(arguments: AblationScale.named.map(\.name)) func `every row is a recipe`(
    at name: String
  ) throws {
    let scale = try #require(AblationScale.named.first { $0.name == name })
    for ablation in Ablations.all {
      let rows = ablation.rows(at: scale)
      #expect(rows.count >= 2, "\(ablation.name)")
      #expect(Set(rows.map(\.name)).count == rows.count, "\(ablation.name): names")
      for row in rows {
        // Names are those of folders.
        #expect(row.name.wholeMatch(of: /[a-z0-9.-]+/) != nil, "\(row.name)")
        switch row.origin {
        case .masked: _ = try scale.pretraining.changed(settings: row.changes)
        case .contrastive: _ = try scale.contrastive.changed(settings: row.changes)
        case .scratch: #expect(row.changes.isEmpty)
        }
        _ = try scale.finetuning.changed(settings: row.finetuning)
      }
    }
  }

  /// Rows of one name in two ablations are the same row, or one's folder would be the other's.
  @Test(arguments: AblationScale.named.map(\.name)) func `a folder has one meaning`(
    at name: String
  ) throws {
    let scale = try #require(AblationScale.named.first { $0.name == name })
    var encoders: [String: [String]] = [:]
    var classifiers: [String: [String]] = [:]
    for row in Ablations.all.flatMap({ $0.rows(at: scale) }) {
      let encoder = [row.origin.rawValue, "\(row.length)"] + row.changes
      if let before = encoders.updateValue(encoder, forKey: row.encoderName) {
        #expect(before == encoder, "\(row.encoderName)")
      }
      let classifier = encoder + row.finetuning
      if let before = classifiers.updateValue(classifier, forKey: row.classifierName) {
        #expect(before == classifier, "\(row.classifierName)")
      }
    }
  }

  @Test func `the baseline is a row of every axis, with the paper's number`() throws {
    let paper = AblationScale.paper
    for ablation in [
      Ablation.decoderDepth, .decoderWidth, .encoderMaskTokens, .target, .augmentation,
      .maskSampling, .maskingRatio, .trainingLength,
    ] {
      let baseline = try #require(
        ablation.rows(at: paper).first { $0.changes.isEmpty && $0.length == 1 })
      #expect(baseline.paper == PublishedNumbers(84.9, 73.5), "\(ablation.name)")
      #expect(baseline.remark.isEmpty)
    }
  }

  @Test func `a schedule keeps its warm-up where it fits`() {
    let base = ScheduleRecipe(epochs: 800, warmupEpochs: 40)
    let short = base.scaled(by: 0.125, images: 4096, batch: 64)
    #expect(short == ScheduleRecipe(epochs: 100, warmupEpochs: 40))
    let tiny = ScheduleRecipe(epochs: 1, warmupEpochs: 0.2)
      .scaled(by: 0.25, images: 640, batch: 64)
    #expect(tiny == ScheduleRecipe(epochs: 1, steps: 3, warmupEpochs: 0.05))
    let steps = ScheduleRecipe(epochs: 1, steps: 6, warmupEpochs: 0.5)
      .scaled(by: 0.5, images: 16, batch: 4)
    #expect(steps.steps == 3)
    #expect(base.scaled(by: 1, images: 1, batch: 1) == base)
  }

  @Test func `what decides a result is its identity, and no more`() {
    let base = TinyStudy.scale.pretraining
    func identity(_ change: (inout PretrainingRecipe) -> Void) -> [String] {
      var recipe = base
      change(&recipe)
      return recipe.identity(beside: PretrainingRecipe(name: ""))
    }
    let own = identity { _ in }
    #expect(own.contains("batch.size: 4"))
    #expect(!own.contains { $0.hasPrefix("masking") }, "what is the default is not said")
    #expect(
      own
        == identity { recipe in
          recipe.name = "another"
          recipe.logging.everySteps = 7
          recipe.checkpoints.keep = 9
          recipe.data.workers = 3
        })
    #expect(own != identity { $0.seed = 1 })
    #expect(own != identity { $0.masking = .random(ratio: 0.5) })
    #expect(own != identity { $0.schedule.steps = 7 })
  }

  @Test func `spread is the sample standard deviation`() {
    let samples = AblationResults.Samples([80, 82, 87])
    #expect(samples.mean == 83)
    // ((−3)² + (−1)² + 4²) / 2 = 13
    #expect(samples.deviation == 13.0.squareRoot())
    #expect(samples.text == "83.00 ± 3.61")
    #expect(AblationResults.Samples([80]).deviation == nil)
    #expect(AblationResults.Samples([80]).text == "80.00")
    #expect(AblationResults.Samples([]).text == "–")
  }
}
