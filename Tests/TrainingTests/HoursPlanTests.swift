import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch

@testable import Recipes
@testable import Runs
@testable import Training

/// The run that is chosen for a time, and how it ends in it.
@Suite struct HoursPlanTests {
  /// A machine that trains the lowest rung at so many images a second and decodes ten times as many.
  private func machine(
    _ rate: Double, sharesCores: Bool = true, memory: Double = 6e9
  ) -> MeasuredSpeed {
    MeasuredSpeed(
      secondsPerImage: [1 / rate], decodingPerImage: [0.1 / rate], sharesCores: sharesCores,
      memory: memory)
  }

  private let fashion = SetFacts(images: 60_000, side: 28, isGray: true)
  private let photos = SetFacts(images: 300, side: 480, isGray: false)

  @Test func `models grow with the time and with the machine`() {
    var last = (0, 0)
    for hours in [0.1, 0.5, 2, 8, 48, 400] {
      let plan = HoursPlan(photos, machine(400), seconds: hours * 3600)
      let size = (
        plan.rung.model.height, plan.rung.model.encoder.width * plan.rung.model.encoder.depth
      )
      #expect(size.0 >= last.0 && size.1 >= last.1)
      #expect(plan.recipe.problems.isEmpty, "\(plan.recipe.problems)")
      last = size
    }
    #expect(HoursPlan(photos, machine(400), seconds: 360).rung.name == "ViT of 4 blocks")
    #expect(HoursPlan(photos, machine(400), seconds: 360).rung.model.height == 64)
    #expect(
      HoursPlan(photos, machine(1e7, memory: 1e11), seconds: 48 * 3600).rung.name == "ViT-Large")
  }

  @Test func `the steps take the time`() {
    for (set, rate, hours) in [(fashion, 600.0, 0.1), (fashion, 600, 0.5), (photos, 300, 2)] {
      let plan = HoursPlan(set, machine(rate), seconds: hours * 3600)
      let taken = Double(plan.steps * plan.batch) * plan.secondsPerImage
      #expect(abs(taken / (hours * 3600) - 1) < 0.02)
      // Decoding takes a tenth more on the same cores, and nothing beside a GPU.
      let lowest = HoursPlan(set, machine(rate), seconds: 60)
      #expect(abs(lowest.secondsPerImage * rate - 1.1) < 1e-9)
      let beside = HoursPlan(set, machine(rate, sharesCores: false), seconds: 60)
      #expect(abs(beside.secondsPerImage * rate - 1) < 1e-9)
    }
  }

  @Test func `small images are learned from as they are`() {
    let plan = HoursPlan(fashion, machine(600), seconds: 360)
    let recipe = plan.recipe
    #expect(recipe.model.height == 28 && recipe.model.channels == 1 && recipe.model.patch == 4)
    #expect(recipe.data.crop == .none && recipe.data.normalization == .computed)
    #expect(plan.batch == 128 && plan.steps == 1534 && recipe.schedule.epochs == 4)
    #expect(abs(recipe.schedule.warmupEpochs * 468 - 153) < 1)
    #expect(abs(recipe.peakLearningRate - 1e-3) < 1e-6)
    // 32 × 32 in colour, and 50 × 70 photographs that are smaller than a rung's.
    let cifar = HoursPlan(
      SetFacts(images: 50_000, side: 32, isGray: false), machine(600), seconds: 360)
    #expect(cifar.rung.model.height == 32 && cifar.rung.model.channels == 3)
    let thumbnails = HoursPlan(
      SetFacts(images: 500, side: 50, isGray: false), machine(600), seconds: 360)
    #expect(thumbnails.rung.model.height == 48 && thumbnails.recipe.data.crop == .randomResized)
    #expect(thumbnails.recipe.problems.isEmpty)
  }

  @Test func `a step fits into memory and into the set`() {
    let few = HoursPlan(SetFacts(images: 90, side: 480, isGray: false), machine(400), seconds: 7200)
    #expect(few.batch == 16)
    let tight = HoursPlan(photos, machine(1e4, memory: 2e9), seconds: 48 * 3600)
    #expect(tight.rung.bytesPerImage * Double(tight.batch) <= 2e9)
    #expect(tight.recipe.optimizer.baseLearningRate > 0 && tight.recipe.problems.isEmpty)
    let wealthy = HoursPlan(
      SetFacts(images: 1_281_167, side: 375, isGray: false), machine(1e5), seconds: 48 * 3600)
    #expect(wealthy.recipe.peakLearningRate <= 2.4e-3 + 1e-9 && wealthy.batch <= 4096)
  }

  @Test func `the lines are a recipe file that gives the recipe`() throws {
    for (set, hours) in [(fashion, 0.1), (photos, 2)] {
      let plan = HoursPlan(set, machine(600), seconds: hours * 3600)
      let file = try RecipeFile(parsing: plan.lines.joined(separator: "\n"), source: "plan")
      var read = try RecipeBooks.pretraining.entry(named: "default").recipe.changed(by: file)
      let recipe = plan.recipe
      (read.note, read.checkpoints, read.logging) = (
        recipe.note, recipe.checkpoints, recipe.logging
      )
      #expect(read == recipe, "\(read.differences(from: recipe))")
    }
  }

  @Test func `the length is looked at where the warm-up ends, and later`() {
    var exact = RunDeadline(seconds: 100, warmupShare: 0.1)
    for step in 1...1000 {
      #expect(exact.steps(after: step, of: 1000, elapsed: Double(step) * 0.1) == nil)
    }
    // Twice as slow as was thought: half of the steps, known after a tenth of them.
    var slow = RunDeadline(seconds: 100, warmupShare: 0.1)
    for step in 1...99 {
      #expect(slow.steps(after: step, of: 1000, elapsed: Double(step) * 0.2) == nil)
    }
    #expect(slow.steps(after: 100, of: 1000, elapsed: 20) == 500)
    // From then on as fast as at first: the second look is at three tenths.
    #expect(slow.steps(after: 149, of: 500, elapsed: 24.9) == nil)
    #expect(slow.steps(after: 150, of: 500, elapsed: 25) == 900)
    // So slow that the warm-up would take all of it: looked at before it ends.
    var crawling = RunDeadline(seconds: 100, warmupShare: 0.1)
    #expect(crawling.steps(after: 1, of: 1000, elapsed: 7.5) == nil)
    #expect(crawling.steps(after: 2, of: 1000, elapsed: 26) == 7)
    // The time is over: one step more.
    var late = RunDeadline(seconds: 10, warmupShare: 0.1)
    #expect(late.steps(after: 10, of: 100, elapsed: 20) == 11)
  }

  @Test func `a run with a deadline is the run of the recipe that it leaves behind`() throws {
    let fixture = try TemporaryRun(images: 8)
    var recipe = PretrainingRecipe.tiny(steps: 1000, saveEvery: 1000)
    recipe.schedule.warmupEpochs = 0.5  // 1 of 1000 steps
    var said: [String] = []
    func run(_ recipe: PretrainingRecipe, _ out: String) throws -> Int {
      // The time is over when it begins: it ends after the first look.
      let run = try TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("images")),
        .init(out: fixture(out), deadline: ContinuousClock.now))
      _ = try run.run(warn: { said.append($0) })
      #expect(run.totalSteps == run.finishedStep)
      return run.finishedStep
    }
    #expect(try run(recipe, "run") == 2)
    #expect(said.count == 1 && said[0].hasSuffix("s: 2 steps instead of 1000 end in time"))
    let left = try RecipeBooks.pretraining.resolve(fixture("run/recipe.yaml"))
    #expect(left.schedule == .init(epochs: 1, steps: 2, warmupEpochs: 0.5))
    try fixture.train(left, "again")
    let again = try fixture.state("again", step: 2)
    #expect(try fixture.state("run", step: 2) == again)
    // A warm-up of a tenth that there is no time for stays a tenth.
    recipe.schedule.warmupEpochs = 50  // 100 of 1000 steps
    #expect(try run(recipe, "slow") == 2)
    let shortened = try RecipeBooks.pretraining.resolve(fixture("slow/recipe.yaml"))
    #expect(shortened.schedule == .init(epochs: 1, steps: 2, warmupEpochs: 0.1))
  }

  @Test func `this machine and a set are measured`() throws {
    let fixture = try TemporaryRun(images: 12)
    let start = ContinuousClock.now
    let run = try HoursRun(
      hours: 0.02, since: start, of: fixture("images"), named: "photos", on: .cpu,
      now: { start + .seconds(10) })
    #expect(run.recipe.model.height == 16 && run.recipe.model.channels == 1)
    #expect(run.recipe.batch.size == 16 && run.recipe.problems.isEmpty)
    #expect(run.deadline == start + .seconds(69))
    #expect(run.lines[1].contains(", for 59 s of training"))
    #expect(run.lines[0].hasPrefix("measured  12 images of photos, of about 16 pixels: "))
    #expect(run.lines.last?.hasPrefix("4 × more  0.1 h would be ViT of ") == true)
    let failure = #expect(throws: RunFailure.self) {
      try HoursRun(
        hours: 0.01, since: start, of: fixture("images"), named: "photos", on: .cpu,
        now: { start + .seconds(27) })
    }
    #expect(failure?.description.hasPrefix("--hours 0.01 is too short for photos") == true)
  }

  @Test func `a run of weeks that nobody has chosen is not begun`() throws {
    let recipe = RecipeBooks.pretraining.standard
    let failure = #expect(throws: RunFailure.self) {
      try StandardRun.requireTime(for: recipe, images: 100_000, operationsPerSecond: 1e11)
    }
    #expect(
      failure?.description.contains(" on this CPU; --hours 2 chooses a run that takes two hours")
        == true)
    try StandardRun.requireTime(for: recipe, images: 64, operationsPerSecond: 1e11)
    try StandardRun.requireTime(for: recipe, images: 100_000, operationsPerSecond: 1e15)
  }
}
