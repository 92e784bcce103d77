@testable import Recipes
@testable import Runs
import DenseHeads
import FileSystem
import Foundation
import MaskedAutoencoders
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@testable import Training

/// What training does to a GPU, seen on a device that is used as one: every tensor is made on it, the
/// losses are the CPU's, and a step waits for it once, before the optimizer.
@Suite struct GPUStepTests {
  /// The one wait of a step: the host reads loss and gradient norm, see `Trainer.requireFinite`.
  private static let one = ["copy from the device"]

  /// Losses of a run, and what a GPU would have been waited for in each of its steps.
  private static func steps(
    of run: TrainingRun<some TrainingTask>
  ) throws -> (losses: [Double], waits: [[String]]) {
    var losses: [Double] = []
    var waits: [[String]] = []
    _ = Device.takeSimulatedWaits()
    let watcher = Watcher {
      losses.append($0.loss)
      waits.append(Device.takeSimulatedWaits())
    }
    _ = try run.run(callbacks: [watcher], warn: { Issue.record("\($0)") })
    return (losses, waits)
  }

  /// Trains on both devices and compares; gives the waits of each step.
  private static func compare<Task: TrainingTask>(
    _ recipe: Task.Recipe, _ inputs: Task.Inputs, of task: Task.Type, in folder: TemporaryRun,
    within tolerance: Double = 1e-4, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [[String]] {
    try withSimulatedDevice { device in
      let expected = try Self.steps(
        of: TrainingRun<Task>(recipe, inputs, .init(out: folder("cpu"))))
      let found = try Self.steps(
        of: TrainingRun<Task>(recipe, inputs, .init(out: folder("gpu"), device: device)))
      #expect(found.losses.count == expected.losses.count, sourceLocation: sourceLocation)
      for (a, b) in zip(found.losses, expected.losses) {
        #expect(abs(a - b) <= tolerance * abs(b), sourceLocation: sourceLocation)
      }
      #expect(expected.waits.allSatisfy { $0.isEmpty }, sourceLocation: sourceLocation)
      return found.waits
    }
  }

  private static let pretraining: [String: PretrainingRecipe] = {
    let usual = PretrainingRecipe.tiny(steps: 4, clip: 0.5, saveEvery: 100)
    var accumulating = PretrainingRecipe.tiny(steps: 3, accumulation: 2, saveEvery: 100)
    accumulating.memory.recompute = true
    var bytes = PretrainingRecipe.tiny(steps: 3, target: .normalizedPixels, saveEvery: 100)
    bytes.data.normalizeOnDevice = true
    bytes.loss.region = .all
    var block = PretrainingRecipe.tiny(steps: 3, saveEvery: 100)
    block.masking = Masking(BlockMasking())
    return ["usual": usual, "accumulating": accumulating, "bytes": bytes, "block": block]
  }()

  @Test(arguments: ["usual", "accumulating", "bytes", "block"])
  func `pre-training waits once a step`(name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      let folder = try TemporaryRun(images: 8)
      let recipe = try #require(Self.pretraining[name])
      let waits = try Self.compare(
        recipe, .init(data: folder("images")), of: PretrainingTask.self, in: folder)
      #expect(waits == [[String]](repeating: Self.one, count: waits.count))
    }
  }

  @Test func `pre-training in bfloat16 computes about the same, and waits once a step`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryRun(images: 8)
      var recipe = PretrainingRecipe.tiny(steps: 3, saveEvery: 100)
      recipe.precision = .bfloat16
      let waits = try Self.compare(
        recipe, .init(data: folder("images")), of: PretrainingTask.self, in: folder, within: 2e-2)
      #expect(waits == [[String]](repeating: Self.one, count: 3))
    }
  }

  @Test func `predicting principal components waits once a step`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryRun(images: 8)
      let waits = try Self.compare(
        .tiny(steps: 3, target: ReconstructionTarget(PCATarget()), saveEvery: 100),
        .init(data: folder("images")), of: PretrainingTask.self, in: folder)
      #expect(waits == [[String]](repeating: Self.one, count: 3))
    }
  }

  @Test(arguments: ["fine-tuning", "images mixed apart", "probe"])
  func `learning from labels waits once a step`(name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      let folder = try TemporaryRun(images: 8)
      try folder.makeEncoder()
      try folder.makeClasses()
      var recipe: FinetuningRecipe =
        switch name {
        case "fine-tuning": .tiny(steps: 4, ema: 0.9)
        case "probe":
          .tiny(
            steps: 4, blocks: 0, kind: .lars, head: .init(batchNorm: true), regularization: .none)
        default:
          .tiny(
            steps: 4,
            regularization: .init(dropPath: 0.5, mixProbability: 0.7, mixMode: .image))
        }
      recipe.checkpoints.everySteps = 100
      let waits = try Self.compare(
        recipe, .init(model: folder("encoder"), data: folder("classes")),
        of: ClassificationTask.self, in: folder)
      #expect(waits == [[String]](repeating: Self.one, count: 4))
    }
  }

  @Test func `contrastive pre-training waits once a step`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryRun(images: 13)
      var recipe = ContrastiveRecipe.tiny(steps: 3)
      recipe.checkpoints.everySteps = 100
      let waits = try Self.compare(
        recipe, .init(data: folder("images")), of: ContrastiveTask.self, in: folder)
      #expect(waits == [[String]](repeating: Self.one, count: 3))
    }
  }

  @Test func `training a tokenizer waits once a step`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryRun(images: 8)
      let recipe = try RecipeBooks.tokenizer.resolve(
        "tokenizer-fashion-mnist",
        settings: [
          "model={height: 16, width: 16, hiddenWidth: 4, initialWidth: 4, vocabulary: 8}",
          "data.workers=1", "batch.size=4", "batch.accumulation=1", "schedule.steps=3",
          "schedule.warmupEpochs=0", "ema=0.5",
        ])
      let waits = try Self.compare(
        recipe, TokenizerInputs(data: folder("images")), of: TokenizerTask.self, in: folder)
      // What the last step is followed by, the evaluation, is counted with it.
      #expect(waits.dropLast() == [[String]](repeating: Self.one, count: 2)[...])
    }
  }

  @Test(arguments: [true, false]) func `segmentation waits once a step`(isUperNet: Bool) async {
    await #expect(processExitsWith: .success) { [isUperNet] in
      let folder = try TemporaryRun()
      try folder.makeScenes()
      try folder.makeEncoder()
      var recipe = SegmentationRecipe.tiny(
        steps: 3,
        decoder: isUperNet
          ? .init(kind: .upernet, channels: 8, auxiliaryChannels: 8)
          : .init(kind: .pyramid, channels: 8, auxiliaryChannels: nil))
      recipe.checkpoints.everySteps = 100
      let waits = try Self.compare(
        recipe, SegmentationInputs(model: folder("encoder"), data: folder("scenes")),
        of: SegmentationTask.self, in: folder)
      #expect(waits == [[String]](repeating: Self.one, count: 3))
    }
  }

  /// Proposals are thinned on the host, as nothing in libtorch does on a device: it waits for them.
  @Test func `detection waits for its proposals, and once more`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryRun()
      try folder.makeObjects()
      try folder.makeEncoder()
      var recipe = DetectionRecipe.tiny(steps: 3)
      recipe.checkpoints.everySteps = 100
      let waits = try Self.compare(
        recipe, DetectionInputs(model: folder("encoder"), data: folder("objects")),
        of: DetectionTask.self, in: folder)
      #expect(waits == [[String]](repeating: Self.one + Self.one, count: 3))
    }
  }

  // MARK: Graphs

  /// Weights after a run, with steps captured or not.
  private static func trained(
    _ recipe: PretrainingRecipe, in folder: TemporaryRun, _ out: String, on device: Device,
    capturing: Bool
  ) throws -> (losses: [Double], waits: [[String]], weights: [String: Tensor], warnings: [String]) {
    let run = try TrainingRun<PretrainingTask>(
      recipe, .init(data: folder("images")),
      .init(out: folder(out), device: device, capturesSteps: capturing))
    var losses: [Double] = []
    var waits: [[String]] = []
    var warnings: [String] = []
    _ = Device.takeSimulatedWaits()
    let watcher = Watcher {
      losses.append($0.loss)
      waits.append(Device.takeSimulatedWaits())
    }
    _ = try run.run(callbacks: [watcher], warn: { warnings.append($0) })
    let weights = Dictionary(
      uniqueKeysWithValues: run.task.store.weights.map { ($0.name, $0.tensor) })
    return (losses, waits, weights, warnings)
  }

  @Test(arguments: ["usual", "bytes", "block"])
  func `a captured step is the step, to the bit`(name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      let folder = try TemporaryRun(images: 8)
      var recipe = try #require(Self.pretraining[name])
      recipe.schedule.steps = 8
      try withSimulatedDevice { device in
        let plain = try Self.trained(recipe, in: folder, "plain", on: device, capturing: false)
        let captured = try Self.trained(recipe, in: folder, "captured", on: device, capturing: true)
        #expect(captured.losses == plain.losses)
        #expect(captured.waits == [[String]](repeating: Self.one, count: 8))
        #expect(captured.warnings.isEmpty)
        for (name, tensor) in plain.weights {
          expectEqual(try #require(captured.weights[name]).to(.cpu), tensor.to(.cpu), name)
        }
      }
    }
  }

  @Test func `where steps cannot be captured training says so and goes on`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryRun(images: 8)
      let recipe = PretrainingRecipe.tiny(steps: 5, saveEvery: 100)
      let plain = try Self.trained(recipe, in: folder, "plain", on: .cpu, capturing: false)
      let asked = try Self.trained(recipe, in: folder, "asked", on: .cpu, capturing: true)
      #expect(asked.losses == plain.losses)
      #expect(
        asked.warnings == [
          "steps are not captured as a graph: graphs of cpu are not supported by this machine's "
            + "libtorch; training goes on without"
        ])
    }
  }

  @Test func `a pass that reads a value back is not captured, and nothing is left of it`() async {
    await #expect(processExitsWith: .success) {
      try withSimulatedDevice { device in
        let x = Tensor([1, 2] as [Float]).to(device)
        let error = #expect(throws: TorchError.self) {
          _ = try AcceleratorGraph(on: device) { _ = (x * 2.0).sum().item() }
        }
        #expect(error?.message.contains("not possible while a graph is captured") == true)
        #expect(throws: TorchError.self) {
          _ = try AcceleratorGraph(on: device) {
            x.add(Tensor([1, 2] as [Float]).sent(to: device))
          }
        }
        #expect(x.floats() == [1, 2])
        var y = Tensor()
        let graph = try AcceleratorGraph(on: device) { y = x * 3.0 }
        x.fill(5)
        graph.replay()
        #expect(y.floats() == [15, 15])
      }
    }
  }
}
