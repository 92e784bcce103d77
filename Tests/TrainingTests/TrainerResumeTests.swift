@testable import RecipeSyntax
@testable import Recipes
@testable import Runs
import Foundation
import Imaging
import MaskedAutoencoders
import Testing
import Torch

@testable import Training

/// A run that was interrupted is the unbroken run, byte for byte.
@Suite struct TrainerResumeTests {
  @Test(arguments: [
    PretrainingRecipe.tiny(), .tiny(accumulation: 2), .tiny(clip: 0.02),
    .tiny(batch: 3, target: .normalizedPixels),
    .tiny(batch: 40),  // each image more than once a step
  ])
  func tenAndTenAreTwenty(_ recipe: PretrainingRecipe) throws {
    let fixture = try TemporaryRun(images: 13)
    try fixture.train(recipe, "unbroken")
    let first = try fixture.train(recipe, "run", stopAfter: 10)
    #expect(first.finishedStep == 10 && first.totalSteps == 20)
    #expect(try fixture.state("run", step: 10) != fixture.state("unbroken", step: 20))
    let second = try fixture.train(recipe, "run", .resume)
    #expect(second.startingStep == 10 && second.finishedStep == 20)
    #expect(try fixture.state("run", step: 20) == fixture.state("unbroken", step: 20))
    #expect(try fixture.metrics("run").map(\.step) == Array(1...20))
    let losses = try ["run", "unbroken"].map { try fixture.metrics($0).map { $0.values["loss"] } }
    #expect(losses[0] == losses[1])
    #expect(try fixture.text("run/recipe.yaml") == fixture.text("unbroken/recipe.yaml"))
  }

  /// What clipping and accumulation are for is in the weights: they are not the plain run's.
  @Test func recipesDiffer() throws {
    let fixture = try TemporaryRun(images: 13)
    try fixture.train(.tiny(), "plain")
    try fixture.train(.tiny(accumulation: 2), "accumulated")
    try fixture.train(.tiny(clip: 0.02), "clipped")
    let states = try ["plain", "accumulated", "clipped"].map { try fixture.state($0, step: 20)[0] }
    #expect(Set(states).count == 3)
    let norms = try fixture.metrics("clipped").compactMap { $0.values["gradient_norm"] }
    #expect(norms.count == 20 && norms.allSatisfy { $0 > 0.02 }, "\(norms)")
  }

  /// Killed after each step in turn: the folder as it then was is gone on with.
  @Test func killedAtAnyStep() throws {
    let fixture = try TemporaryRun(images: 9)
    let recipe = PretrainingRecipe.tiny(steps: 8, saveEvery: 3, keep: 1)
    try fixture.train(
      recipe, "run",
      callbacks: [
        Watcher { try fixture.copy("run", to: "killed-\($0.step)") },
        Watcher(save: { _, step in try fixture.copy("run", to: "saved-\(step)") }),
      ])
    let killed = (1...8).map { "killed-\($0)" } + [3, 6, 8].map { "saved-\($0)" }
    for copy in killed {
      // As a checkpoint that was being written, and a log line that was cut off.
      try fixture.write(copy + "/checkpoints/.writing-step-7-99/weights.safetensors", "half")
      let log = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture(copy + "/metrics.jsonl")))
      try log.seekToEnd()
      try log.write(contentsOf: Data("{\"step\":9,\"ep".utf8))
      try log.close()
      let resumed = try fixture.train(recipe, copy, .resume)
      let last = copy.split(separator: "-").last.flatMap { Int($0) } ?? 0
      // The observer of a step is called before its checkpoint is written.
      let saved = copy.hasPrefix("saved") ? last : (last - 1) / 3 * 3
      #expect(resumed.startingStep == saved, "\(copy)")
      #expect(try fixture.state(copy, step: 8) == fixture.state("run", step: 8), "\(copy)")
      #expect(try fixture.metrics(copy).map(\.step) == Array(1...8), "\(copy)")
      #expect(fixture.names(copy + "/checkpoints") == ["step-8"], "\(copy)")
    }
  }

  @Test func workersDoNotCount() throws {
    let fixture = try TemporaryRun(images: 11)
    var states: [[Data]] = []
    for (workers, prefetch) in [(1, 1), (4, 4), (3, 1)] {
      var recipe = PretrainingRecipe.tiny(steps: 5)
      recipe.data.workers = workers
      recipe.data.prefetch = prefetch
      try fixture.train(recipe, "run-\(workers)")
      states.append(try fixture.state("run-\(workers)", step: 5))
    }
    #expect(states[0] == states[1] && states[0] == states[2])
    var other = PretrainingRecipe.tiny(steps: 5)
    other.seed = 8
    try fixture.train(other, "other")
    #expect(try fixture.state("other", step: 5)[0] != states[0][0])
  }

  /// Bytes that are normalised on the device are the same numbers.
  @Test func normalizingOnTheDeviceChangesNothing() throws {
    let fixture = try TemporaryRun(images: 11)
    var recipe = PretrainingRecipe.tiny(steps: 5)
    try fixture.train(recipe, "floats")
    recipe.data.normalizeOnDevice = true
    try fixture.train(recipe, "bytes")
    #expect(try fixture.state("bytes", step: 5) == fixture.state("floats", step: 5))
  }

  @Test func anotherSetOfImagesIsRefused() throws {
    let fixture = try TemporaryRun(images: 9)
    try fixture.train(.tiny(steps: 5), "run")
    let before = try fixture.state("run", step: 5)
    try fixture.write("images/new.png", TemporaryRun.picture(50).encodedAsPNG())
    let failure = #expect(throws: RunFailure.self) {
      try fixture.train(.tiny(steps: 10), "run", .resume)
    }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains("9 images and there are 10 now") == true)
    #expect(try fixture.state("run", step: 5) == before)
  }

  @Test func anotherSeedOrModelIsRefused() throws {
    let fixture = try TemporaryRun(images: 9)
    try fixture.train(.tiny(steps: 5), "run")
    var seed = PretrainingRecipe.tiny(steps: 10)
    seed.seed = 8
    var model = PretrainingRecipe.tiny(steps: 10)
    model.model.encoder.depth = 2
    for recipe in [seed, model] {
      let failure = #expect(throws: RunFailure.self) { try fixture.train(recipe, "run", .resume) }
      #expect(failure?.kind == .recipe)
    }
  }

  @Test func schedulesMayChange() throws {
    let fixture = try TemporaryRun(images: 9)
    try fixture.train(.tiny(steps: 5), "run")
    let longer = try fixture.train(.tiny(steps: 8), "run", .resume)
    #expect(longer.startingStep == 5 && longer.finishedStep == 8)
    #expect(try fixture.metrics("run").map(\.step) == Array(1...8))
    // Nothing is left to do, and nothing is done.
    let state = try fixture.state("run", step: 8)
    let shorter = try fixture.train(.tiny(steps: 6), "run", .resume)
    #expect(shorter.finishedStep == 8)
    #expect(try fixture.state("run", step: 8) == state)
  }

  @Test func changedFieldsAreAllNamed() throws {
    let kept = PretrainingRecipe.tiny()
    var wanted = kept
    wanted.schedule.epochs = 3
    wanted.checkpoints.keep = 9
    wanted.logging.images = 2
    wanted.data.workers = 5
    wanted.data.prefetch = 9
    wanted.data.normalizeOnDevice = true
    let resumed = try kept.resumed(with: wanted, recipeIsNamed: false)
    #expect(resumed == wanted)
    let changes: [(String, (inout PretrainingRecipe) -> Void)] = [
      ("name", { $0.name = "other" }), ("note", { $0.note = "other" }), ("seed", { $0.seed = 1 }),
      ("model.patch", { $0.model.patch = 8 }), ("masking.ratio", { $0.masking = .random(ratio: 0.5) }),
      ("loss.region", { $0.loss.region = .all }), ("data.shuffle", { $0.data.shuffle = .none }),
      ("optimizer.beta2", { $0.optimizer.beta2 = 0.9 }), ("batch.size", { $0.batch.size = 1 }),
      ("precision", { $0.precision = .bfloat16 }),
    ]
    for (name, change) in changes {
      var other = kept
      change(&other)
      let error = #expect(throws: RecipeErrors.self) {
        try kept.resumed(with: other, recipeIsNamed: false)
      }
      #expect(error?.mistakes.map { "\($0.path)" } == [name])
      change(&wanted)
    }
    let all = #expect(throws: RecipeErrors.self) {
      try kept.resumed(with: wanted, recipeIsNamed: false)
    }
    #expect(all?.mistakes.map { "\($0.path)" } == changes.map(\.0))
    // A recipe's own name and note are no difference when it was asked for by name.
    var named = kept
    named.name = "other"
    named.note = "other"
    #expect(try kept.resumed(with: named, recipeIsNamed: true) == kept)
  }
}

@Suite struct MixtureResumeTests {
  @Test func aMixtureGoesOnExactlyAndItsSharesAreKept() throws {
    let fixture = try TemporaryRun(images: 9)
    try fixture.copy("images", to: "more")
    func mix(_ weight: Double) throws {
      try fixture.write("mix.yaml", "- {data: images, weight: \(weight)}\n- {data: more, weight: 1}\n")
    }
    try mix(3)
    func train(_ recipe: PretrainingRecipe, _ out: String, _ opening: RunFolder.Opening = .new) throws {
      _ = try TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("mix.yaml")), .init(out: fixture(out), opening: opening)
      ).run()
    }
    try train(.tiny(steps: 9), "whole")
    try train(.tiny(steps: 4), "run")
    try mix(2)
    let failure = #expect(throws: RunFailure.self) { try train(.tiny(steps: 9), "run", .resume) }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains("the weights of a mixture have changed") == true)
    try mix(3)
    try train(.tiny(steps: 9), "run", .resume)
    #expect(try fixture.state("run", step: 9) == fixture.state("whole", step: 9))
  }
}
