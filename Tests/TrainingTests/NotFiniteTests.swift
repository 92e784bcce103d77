@testable import Recipes
@testable import Runs
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Testing
import Torch
import TorchNN
import TorchOptim

@testable import Training

/// A loss or gradient that is no number stops a run before it does harm.
@Suite struct NotFiniteTests {
  /// Four weights that are pulled to zero; `script` adds what a step is to go wrong by.
  final class ScriptedTask: TrainingObjective {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let weight: Tensor
    let description = ModelDescription(
      model: PretrainingRecipe.tiny().model, mean: [0.5], std: [0.5])
    private let script: (Int, Tensor) -> Tensor

    init(_ script: @escaping (Int, Tensor) -> Tensor) {
      weight = store.root.parameter("weight", [4], .normal(std: 1))
      self.script = script
    }

    func loss(_ images: Tensor, of batch: Batch, draw: Int) -> Tensor {
      (weight * (images.mean() + 2)).squared().sum() + script(draw, weight)
    }
  }

  private struct Record: Decodable {
    var step: Int
    var what: String
    var value: String
    var learningRate: Double
    var files: [String]
  }

  /// Runs until it fails; gives the failure, the weights after each step, and what was left.
  private func run(
    accumulation: Int = 1, clip: Double? = nil, saveEvery: Int = 2, keep: Int = 2,
    _ fixture: TemporaryRun, _ script: @escaping (Int, Tensor) -> Tensor
  ) throws -> (failure: RunFailure, weights: [[Float]], task: ScriptedTask, folder: RunFolder) {
    let dataset = ToyDataset(images: (0..<6).map { TemporaryRun.picture($0) })
    let task = ScriptedTask(script)
    let folder = try RunFolder(fixture("run"), .new)
    let loader = BatchLoader(
      dataset,
      transform: ImageTransform(
        .identity, size: PixelSize(width: 16, height: 16),
        normalization: PixelNormalization(mean: [0.5], std: [0.5])),
      batch: 3, seed: 1, workers: 1)
    defer { loader.stop() }
    var weights = [task.weight.floats()]
    var plan = Trainer<ScriptedTask>.Plan(
      totalSteps: 9, stepsPerEpoch: 2, learningRate: { _ in 0.1 }, checkpointEvery: saveEvery,
      seed: 1,
      images: 6)
    plan.accumulation = accumulation
    plan.clip = clip
    plan.keptCheckpoints = keep
    let trainer = try Trainer(
      task,
      optimizer: AdamW(ParameterGroup.decayingMatrices(of: task.store.trainable, weightDecay: 0)),
      source: loader, plan: plan, folder: folder,
      callbacks: [Watcher { _ in weights.append(task.weight.floats()) }])
    let failure = #expect(throws: RunFailure.self) { try trainer.run() }
    return (try #require(failure), weights, task, folder)
  }

  private func record(_ fixture: TemporaryRun, step: Int) throws -> Record {
    try JSONDecoder().decode(
      Record.self, from: fixture.contents("run/not-finite-step-\(step).json"))
  }

  @Test(arguments: [Double.nan, .infinity]) func losses(_ value: Double) throws {
    let fixture = try TemporaryRun()
    let (failure, weights, task, folder) = try run(fixture) { draw, weight in
      draw == 3 ? weight.sum() * 0 + value : weight.sum() * 0
    }
    #expect(failure.kind == .notFinite)
    #expect(weights.count == 4 && Set(weights).count == 4)  // the start and three steps
    #expect(task.weight.floats() == weights[3], "the bad step changed weights")
    let record = try record(fixture, step: 3)
    #expect(record.step == 3 && record.what == "the loss" && record.learningRate == 0.1)
    #expect(record.value == "\(value)")
    #expect(record.files.count == 3 && record.files.allSatisfy { $0.hasPrefix("image ") })
    // The state before the bad step is kept.
    let last = try #require(folder.latestCheckpoint().checkpoint)
    #expect(last.path.hasSuffix("step-3") && failure.message.contains(last.path))
    #expect(try last.weights()["weight"]?.floats() == weights[3])
    #expect(try last.progress().step == 3)
    #expect(failure.message.contains("run/not-finite-step-3.json"))
  }

  /// At the first step there is nothing to go back to, and nothing is lost.
  @Test func `the first loss`() throws {
    let fixture = try TemporaryRun()
    let (failure, weights, task, folder) = try run(fixture) { draw, weight in
      draw == 0 ? weight.sum() * Double.nan : weight.sum() * 0
    }
    #expect(failure.kind == .notFinite && failure.message.hasPrefix("the loss"))
    #expect(weights.count == 1 && task.weight.floats() == weights[0])
    let record = try record(fixture, step: 0)
    #expect(record.what == "the loss" && record.files.count == 3)
    #expect(failure.message.contains("run/not-finite-step-0.json"))
    if let last = folder.latestCheckpoint().checkpoint {
      #expect(try last.weights()["weight"]?.floats() == weights[0])
    }
  }

  /// The second batch of a step goes wrong when the first has left its gradient.
  @Test func `accumulated losses`() throws {
    let fixture = try TemporaryRun()
    let (_, weights, task, _) = try run(accumulation: 2, fixture) { draw, weight in
      draw == 5 ? weight.sum() * Double.nan : weight.sum() * 0
    }
    #expect(weights.count == 3 && task.weight.floats() == weights[2])
    let record = try record(fixture, step: 2)
    #expect(record.files.count == 6, "the files of both batches")
  }

  /// √(w − w) is 0, and its derivative is infinite.
  private static func steep(_ weight: Tensor) -> Tensor {
    (weight - weight.detached()).clamped(atLeast: 0).squareRoot().sum()
  }

  @Test func `gradients that are clipped`() throws {
    let fixture = try TemporaryRun()
    let (failure, weights, task, folder) = try run(clip: 1, fixture) { draw, weight in
      draw == 3 ? Self.steep(weight) : weight.sum() * 0
    }
    #expect(failure.kind == .notFinite && failure.message.hasPrefix("the gradient's length"))
    #expect(task.weight.floats() == weights[3])
    #expect(try record(fixture, step: 3).files.count == 3)
    #expect(try folder.latestCheckpoint().checkpoint?.weights()["weight"]?.floats() == weights[3])
  }

  /// Without clipping too: the step is not taken, and the state before it is kept.
  @Test(arguments: [1, 2, 100]) func `gradients that are not`(saveEvery: Int) throws {
    let fixture = try TemporaryRun()
    let (failure, weights, _, folder) = try run(saveEvery: saveEvery, keep: 1, fixture) {
      draw, weight in
      draw == 3 ? Self.steep(weight) : weight.sum() * 0
    }
    #expect(failure.kind == .notFinite)
    #expect(failure.message.hasPrefix("the gradient's length"))
    #expect(weights.count == 4 && weights[3].allSatisfy { $0.isFinite })
    for step in RunFolder.checkpointSteps(in: fixture("run")) {
      let values = try folder.checkpoint(at: step).weights()["weight"]?.floats() ?? []
      #expect(values.allSatisfy { $0.isFinite }, "step \(step) was saved with \(values)")
    }
    #expect(RunFolder.checkpointSteps(in: fixture("run")) == [3])
  }

  /// The same through a whole run, with a rate that is out of the question.
  @Test func `absurd rates`() throws {
    let fixture = try TemporaryRun(images: 8)
    var recipe = PretrainingRecipe.tiny(saveEvery: 1)
    recipe.optimizer.baseLearningRate = 1e38
    recipe.schedule.warmupEpochs = 0
    let failure = #expect(throws: RunFailure.self) { try fixture.train(recipe, "run") }
    #expect(failure?.kind == .notFinite)
    #expect(fixture.names("run").contains { $0.hasPrefix("not-finite-step-") })
  }
}
