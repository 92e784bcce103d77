import Foundation
import Testing

@testable import RecipeSyntax
@testable import Recipes
@testable import Runs
@testable import Training

/// What holds for runs of every kind: callbacks cannot cost them, they stop when they are asked to, and
/// what earlier versions wrote is read.
@Suite struct TrainingRunTests {
  private struct Mishap: Error, CustomStringConvertible { let description = "the disk is full" }

  @Test func `a callback that fails is reported once and costs nothing`() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 10), "quiet")
    let run = try TrainingRun<PretrainingTask>(
      .tiny(steps: 10), .init(data: fixture("images")), .init(out: fixture("loud")))
    var warnings: [String] = []
    _ = try run.run(
      callbacks: [
        Watcher(step: { _ in throw Mishap() }), Watcher(save: { _, _ in throw Mishap() }),
      ], warn: { warnings.append($0) })
    #expect(warnings.count == 2 && warnings.allSatisfy { $0.hasPrefix("the disk is full; ") })
    #expect(try fixture.state("loud", step: 10) == fixture.state("quiet", step: 10))
  }

  @Test func `a run that is asked to stop saves first and resumes exactly`() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 10), "unbroken")
    var steps = 0
    let run = try TrainingRun<PretrainingTask>(
      .tiny(steps: 10), .init(data: fixture("images")), .init(out: fixture("run")))
    let interruption = #expect(throws: Interruption.self) {
      _ = try run.run(
        callbacks: [Watcher { steps = $0.step }], shouldStop: { steps == 3 })
    }
    #expect(interruption?.message.contains("stopped at step 3 of 10") == true)
    #expect(run.finishedStep == 3)
    _ = consume run
    try fixture.train(.tiny(steps: 10), "run", .resume)
    #expect(try fixture.state("run", step: 10) == fixture.state("unbroken", step: 10))
  }

  @Test func `fields by their names of before count, and the new names are told`() throws {
    let before = try RecipeFile(
      parsing: """
        name: mine
        model: {encoder: tiny}
        optimizer: {baseRate: 0.001, minimumRate: 1e-06, beta2: 0.9}
        budget: {epochs: 7, steps: null, warmupEpochs: 2}
        monitor: {everySteps: 3, reconstructionsEveryEpochs: null, images: 2}
        """, source: "old.yaml")
    var notes: [String] = []
    let read = try RecipeBooks.pretraining.standard.changed(by: before) { notes.append($0) }
    #expect(read.optimizer.baseLearningRate == 0.001 && read.optimizer.minimumLearningRate == 1e-6)
    #expect(read.optimizer.beta2 == 0.9)
    #expect(read.schedule == .init(epochs: 7, warmupEpochs: 2))
    #expect(read.logging == .init(everySteps: 3, reconstructionsEveryEpochs: nil, images: 2))
    #expect(
      notes == [
        "optimizer.baseRate is called optimizer.baseLearningRate now (old.yaml, line 3)",
        "optimizer.minimumRate is called optimizer.minimumLearningRate now (old.yaml, line 3)",
        "budget is called schedule now (old.yaml, line 4)",
        "monitor is called logging now (old.yaml, line 5)",
      ])
    notes = []
    let settings = ["trained.blocks=4", "head.deviation=0.5", "average=0.9", "budget.epochs=3"]
    let classifier = try RecipeBooks.classification.resolve(settings: settings) { notes.append($0) }
    #expect(classifier.trainableBlocks == 4 && classifier.head.std == 0.5 && classifier.ema == 0.9)
    #expect(classifier.schedule.epochs == 3)
    #expect(
      notes == [
        "trained.blocks is called trainableBlocks now (--set)",
        "head.deviation is called head.std now (--set)", "average is called ema now (--set)",
        "budget is called schedule now (--set)",
      ])
  }

  @Test func `what a run of version 0 point 1 is, is read`() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "name: tiny")
    try fixture.write("run/run.json", #"{"encoder": "enc", "encoderPath": "/a/enc", "kind": "fine-tuning"}"#)
    let kind = try #require(try RunKind.read(fixture("run")))
    #expect(kind.name == "fine-tuning" && kind.command == "mae finetune" && kind.encoder == "enc")
    #expect(kind.product == "classifier" && kind.encoderPath == "/a/enc")
    // A kind that a later version knows is named by what its file says.
    try fixture.write("run/run.json", #"{"kind": "detection"}"#)
    #expect(try RunKind.read(fixture("run"))?.title == "detection")
  }
}
