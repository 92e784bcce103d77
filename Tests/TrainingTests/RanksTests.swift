@testable import RecipeSyntax
@testable import Recipes
@testable import Runs
import DataParallel
import Datasets
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Synchronization
import TestSupport
import Testing
import Torch
import TorchOptim

@testable import Training

/// Ranks as threads of this process that meet over a file, as those of `mae launch` do.
func together<Output: Sendable>(
  _ ranks: Int, patience: Double = 60,
  _ body: @escaping @Sendable (DataParallelGroup) throws -> Output
) throws -> [Output] {
  let folder = TemporaryFolder()
  let path = folder["store"]
  return try onThreads(ranks) { rank in
    let launch = Launch(
      launcher: .maeLaunch, rank: rank, ranks: ranks, meeting: .file(path))
    let (group, _) = try Meeting(
      launch, patienceAtStart: patience, patience: patience, onFailure: { _ in }
    ).join()
    do {
      let output = try body(group)
      group.finish()
      return output
    } catch {
      group.leave("\(error)", status: 1)
      throw error
    }
  }
}

extension TemporaryRun {
  /// Trains as several processes do; gives each rank's losses.
  @discardableResult
  func train(
    _ recipe: PretrainingRecipe, _ out: String, ranks: Int,
    _ opening: RunFolder.Opening = .new, stopAfter: Int? = nil
  ) throws -> [[Double]] {
    try together(ranks) { [path] group in
      try Self.losses(
        of: TrainingRun<PretrainingTask>(
          recipe, .init(data: path + "/images"),
          .init(out: path + "/" + out, opening: opening, stopAfter: stopAfter, group: group)))
    }
  }

  static func losses(of run: TrainingRun<some TrainingTask>) throws -> [Double] {
    var losses: [Double] = []
    _ = try run.run(callbacks: [Watcher { losses.append($0.loss) }])
    return losses
  }
}

private func expectClose(
  _ found: [Double], _ expected: [Double], within tolerance: Double = 1e-5,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, sourceLocation: sourceLocation)
  for (a, b) in zip(found, expected) {
    #expect(abs(a - b) <= tolerance * abs(b), sourceLocation: sourceLocation)
  }
}

/// The number of processes is no part of a run: losses and weights are those of one process, up to
/// the order of sums.
@Suite struct RanksTests {
  @Test(arguments: [(2, 1), (2, 3), (4, 1), (4, 3)])
  func `ranks pre-train as one process does`(ranks: Int, accumulation: Int) throws {
    let fixture = try TemporaryRun(images: 13)
    let recipe = PretrainingRecipe.tiny(batch: 8, accumulation: accumulation, clip: 0.5)
    let alone = try TemporaryRun.losses(
      of: TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("images")), .init(out: fixture("alone"))))
    let all = try fixture.train(recipe, "together", ranks: ranks)
    for losses in all { expectClose(losses, alone) }
    #expect(alone[19] < alone[0])
    // What the first rank wrote is what one process writes, up to rounding.
    let weights = try ["alone", "together"].map {
      try Checkpoint(path: fixture($0 + "/checkpoints/step-20")).weights()
    }
    // (The gradient of a key's bias is zero but for rounding, of which AdamW makes whole steps.)
    for (name, tensor) in weights[0] where !name.hasSuffix("qkv.bias") {
      let other = try #require(weights[1][name]).floats()
      let difference = zip(tensor.floats(), other).map { abs($0 - $1) }.max() ?? 1
      #expect(difference < 1e-4, "\(name)")
    }
    #expect(try fixture.text("alone/recipe.yaml") == fixture.text("together/recipe.yaml"))
  }

  @Test func `a run goes on with another number of ranks`() throws {
    let fixture = try TemporaryRun(images: 13)
    let recipe = PretrainingRecipe.tiny(batch: 8)
    let alone = try TemporaryRun.losses(
      of: TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("images")), .init(out: fixture("alone"))))
    var losses = try fixture.train(recipe, "run", ranks: 4, stopAfter: 7)[0]
    losses += try fixture.train(recipe, "run", ranks: 2, .resume, stopAfter: 13)[1]
    losses += try TemporaryRun.losses(
      of: TrainingRun<PretrainingTask>(
        recipe, .init(data: fixture("images")), .init(out: fixture("run"), opening: .resume)))
    expectClose(losses, alone)
  }

  @Test(arguments: [
    FinetuningRecipe.tiny(ema: 0.9),
    .tiny(regularization: .init(dropPath: 0.5, mixProbability: 0.7, mixMode: .image)),
    .tiny(
      blocks: 0, kind: .lars, head: .init(batchNorm: true), regularization: .none),
  ])
  func `ranks fine-tune and probe as one process does`(_ recipe: FinetuningRecipe) throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 5), "run")
    try fixture.makeClasses(perClass: 7)
    @Sendable func classify(
      _ out: String, in group: DataParallelGroup
    ) throws -> (losses: [Double], metrics: [Metric]) {
      var recipe = recipe
      recipe.batch = .init(size: 8)
      let run = try TrainingRun<ClassificationTask>(
        recipe, .init(model: fixture("run"), data: fixture("classes")),
        .init(out: fixture(out), group: group))
      let losses = try TemporaryRun.losses(of: run)
      return (losses, try run.validate())
    }
    let alone = try classify("alone", in: .single)
    for ranks in [2, 4] {
      let all = try together(ranks) { group in
        let (losses, metrics) = try classify("together-\(ranks)", in: group)
        return (losses, metrics)
      }
      for (losses, metrics) in all {
        expectClose(losses, alone.losses)
        #expect(metrics.map(\.name) == alone.metrics.map(\.name))
        expectClose(metrics.map { $0.value + 1 }, alone.metrics.map { $0.value + 1 }, within: 1e-4)
      }
    }
  }

  @Test func `a batch that ranks cannot share evenly is refused`() throws {
    let fixture = try TemporaryRun(images: 13)
    let error = #expect(throws: RunFailure.self) {
      try fixture.train(.tiny(batch: 8), "run", ranks: 3)
    }
    #expect(
      error?.message == "batch.size is 8 images of all ranks, which cannot be shared evenly by 3 "
        + "ranks; the nearest that can: 6 or 9")
  }

  @Test func `one rank that is asked to stop stops all after the same step`() throws {
    let fixture = try TemporaryRun(images: 13)
    let steps = try together(2) { [path = fixture.path] group in
      let run = try TrainingRun<PretrainingTask>(
        .tiny(batch: 8), .init(data: path + "/images"), .init(out: path + "/run", group: group))
      let asked = Mutex(0)
      #expect(throws: Interruption.self) {
        try run.run(shouldStop: {
          group.rank == 1
            && asked.withLock {
              $0 += 1; return $0 == 3
            }
        })
      }
      return run.finishedStep
    }
    #expect(steps == [3, 3])
    #expect(fixture.exists("run/checkpoints/step-3/progress.json"))
  }

  @Test func `ranks evaluate every image once`() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 5), "run")
    let loaded = try LoadedModel(fixture("run"))
    let images = ToyDataset(
      images: (0..<23).map { TemporaryRun.picture($0) }, labels: (0..<23).map { $0 % 3 },
      broken: [4, 22])
    let alone = try Features(
      of: images, named: "toy", by: loaded, pooling: .classToken, brokenLimit: .none)
    let all = try together(3) { [path = fixture.path] group in
      let features = try Features(
        of: images, named: "toy", by: LoadedModel(path + "/run"), pooling: .classToken,
        brokenLimit: .none, group: group)
      return (features.rows.floats(), features.labels, features.broken)
    }
    #expect(all[0].1 == alone.labels)
    #expect(all[0].2 == alone.broken)
    #expect(all[1].0.isEmpty && all[2].0.isEmpty)
    let differences = zip(all[0].0, alone.rows.floats()).map { abs($0 - $1) }
    #expect(all[0].0.count == alone.rows.count && (differences.max() ?? 1) < 1e-5)
  }
}

@Suite struct ReducedPrecisionTests {
  @Test func `gradients that travel as bfloat16 change results a little and stay with the run`()
    throws
  {
    let fixture = try TemporaryRun(images: 13)
    var recipe = PretrainingRecipe.tiny(steps: 10, batch: 8)
    let whole = try fixture.train(recipe, "whole", ranks: 2)[0]
    recipe.batch.reduction = .bfloat16
    let halves = try fixture.train(recipe, "halves", ranks: 2)
    #expect(halves[0] == halves[1] && halves[0] != whole)
    expectClose(halves[0], whole, within: 0.02)
    #expect(try fixture.text("halves/recipe.yaml").contains("reduction: bfloat16"))
  }
}
