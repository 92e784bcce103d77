@testable import Inference
@testable import RecipeSyntax
@testable import Runs
@testable import TensorFiles
@testable import TorchOptim
import Datasets
import Evaluation
import Foundation
import Imaging
import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
@testable import Recipes

@testable import Training

extension FinetuningRecipe {
  /// Trains on the workshop's pictures for some steps.
  static func tiny(
    steps: Int = 12, blocks: Double? = nil, ema: Double? = nil,
    kind: OptimizerKind = .adamw, head: Head = .init(), regularization: Regularization = .init()
  ) -> FinetuningRecipe {
    FinetuningRecipe(
      name: "tiny", seed: 5, head: head, trainableBlocks: blocks,
      regularization: regularization,
      data: .init(normalization: .inherited, workers: 1),
      optimizer: .init(kind: kind, baseLearningRate: 0.1, layerDecay: 0.75), ema: ema,
      batch: .init(size: 4),
      schedule: .init(epochs: 1, steps: steps, warmupEpochs: 0.5),
      checkpoints: .init(everyEpochs: nil, everySteps: 5, keep: 5), logging: .init(everySteps: 1))
  }
}

extension TemporaryRun {
  /// Class folders: bright and dark pictures, in `train` and `val`.
  func makeClasses(perClass: Int = 6, in folder: String = "classes") throws {
    for (part, count) in [("train", perClass), ("val", 3)] {
      for (name, level) in [("bright", 180), ("dark", 20)] {
        for number in 0..<count {
          let step = number + (part == "val" ? 20 : 3)
          let pixels = (0..<256).map { UInt8(level + ($0 * step + number * 11) % 50) }
          try write(
            "\(folder)/\(part)/\(name)/\(part)-\(number).png",
            ByteImage(width: 16, height: 16, channels: 1, pixels: pixels).encodedAsPNG())
        }
      }
    }
  }

  /// Trains a classifier as the program does.
  @discardableResult
  func finetune(
    _ recipe: FinetuningRecipe, from model: String?, like: String? = nil, _ out: String,
    data: String = "classes", validation: String? = nil, _ opening: RunFolder.Opening = .new,
    stopAfter: Int? = nil
  ) throws -> (result: EvaluationResult?, warnings: [String], description: ModelDescription) {
    let run = try classification(
      recipe, from: model, like: like, out, data: data, validation: validation, opening,
      stopAfter: stopAfter)
    _ = try run.run()
    if run.finishedStep == run.totalSteps { _ = try run.validate() }
    return (run.task.evaluation, run.warnings, run.task.description)
  }

  /// A classifier's run that has not begun.
  func classification(
    _ recipe: FinetuningRecipe, from model: String?, like: String? = nil, _ out: String,
    data: String = "classes", validation: String? = nil, _ opening: RunFolder.Opening = .new,
    stopAfter: Int? = nil
  ) throws -> TrainingRun<ClassificationTask> {
    try TrainingRun(
      recipe,
      ClassificationInputs(
        model: model.map(callAsFunction), like: like.map(callAsFunction), data: self(data),
        validation: validation.map(callAsFunction)),
      .init(out: self(out), opening: opening, stopAfter: stopAfter))
  }
}

/// Training classifiers: that it learns, resumes exactly, keeps frozen what is frozen, and refuses
/// labels that make no sense.
@Suite struct FinetuningTests {
  /// An encoder to start from, and class folders.
  private func fixture() throws -> TemporaryRun {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 5), "run")
    try fixture.makeClasses()
    return fixture
  }

  @Test func `learns and is loaded again`() throws {
    let fixture = try fixture()
    let (result, warnings, description) = try fixture.finetune(
      .tiny(steps: 40, regularization: .none), from: "run", "fine")
    let found = try #require(result)
    #expect(found.tally.total == 6 && found.tally.top1 == 1)
    #expect(warnings.isEmpty)
    #expect(description.classifier?.classNames == ["bright", "dark"])
    let loaded = try LoadedModel(fixture("fine"))
    #expect(throws: RunFailure.self) { try loaded.autoencoder() }
    let set = try openDataset(at: fixture("classes"), split: .validation)
    var inference = BatchInference(loaded, batch: 256, workers: 1)
    inference.parallelism = .operators
    let again = try EvaluationResult(
      of: set, named: "classes", by: inference, matching: ClassMatching(same: ["bright", "dark"]))
    #expect(again.tally == found.tally)
    #expect(again.calibration == found.calibration)
  }

  @Test(arguments: [
    FinetuningRecipe.tiny(), .tiny(ema: 0.9), .tiny(blocks: 0.5),
    .tiny(kind: .sgd),
    .tiny(blocks: 0, kind: .lars, head: .init(pooling: .classToken, batchNorm: true)),
  ])
  func `resumed is unbroken`(_ recipe: FinetuningRecipe) throws {
    let fixture = try fixture()
    try fixture.finetune(recipe, from: "run", "unbroken")
    try fixture.finetune(recipe, from: "run", "resumed", stopAfter: 7)
    try fixture.finetune(recipe, from: "run", "resumed", .resume)
    for step in [5, 10, 12] {
      #expect(
        try fixture.state("resumed", step: step) == fixture.state("unbroken", step: step), "\(step)"
      )
    }
    let first = try fixture.state("unbroken", step: 5)[0]
    #expect(try fixture.state("unbroken", step: 12)[0] != first)
  }

  @Test func `frozen weights stay`() throws {
    let fixture = try fixture()
    try fixture.finetune(.tiny(blocks: 0.5, head: .init(pooling: .classToken)), from: "run", "half")
    let before = try LoadedModel(fixture("run")).store
    let after = try LoadedModel(fixture("half")).store
    for entry in after.entries {
      guard let old = before[entry.name] else { continue }
      let isSame = (entry.tensor - old).abs().max().item() == 0
      let isTrained = TrainableBlocks.halfBlock.contains(entry.name, depth: 1)
      #expect(isSame != isTrained, "\(entry.name)")
    }
  }

  @Test func `averages are saved and judged`() throws {
    let fixture = try fixture()
    try fixture.finetune(.tiny(ema: 0.999), from: "run", "averaged")
    try fixture.finetune(.tiny(), from: "run", "plain")
    // So slow an average is still near the first weights; the weights themselves have moved.
    func distance(_ run: String) throws -> Double {
      let after = try LoadedModel(fixture(run)).store
      let before = try LoadedModel(fixture("run")).store
      let name = "blocks.0.mlp.fc1.weight"
      return (try #require(after[name]) - (try #require(before[name]))).norm().item()
    }
    #expect(try distance("averaged") < 0.05 * distance("plain"))
    let beside = try SafetensorsFile(fixture("averaged/checkpoints/step-12/optimizer.safetensors"))
    let plain = try SafetensorsFile(fixture("plain/checkpoints/step-12/weights.safetensors"))
    expectEqual(
      try beside.tensor("trained.head.weight"), try plain.tensor("head.weight"), "trained beside")
  }

  @Test func `scratch takes a shape and no weights`() throws {
    let fixture = try fixture()
    let (_, _, description) = try fixture.finetune(
      .tiny(steps: 1), from: nil, like: "run", "scratch")
    #expect(
      description.model.encoder == (try LoadedModel(fixture("run")).description.model.encoder))
    let other = try fixture.finetune(.tiny(steps: 1), from: "run", "fine").description
    #expect(other == description)
    let (a, b) = try (LoadedModel(fixture("scratch")).store, LoadedModel(fixture("fine")).store)
    let name = "blocks.0.attn.qkv.weight"
    #expect((try #require(a[name]) - (try #require(b[name]))).norm().item() > 0.1)
    let failure = #expect(throws: RunFailure.self) {
      try fixture.finetune(.tiny(steps: 1), from: nil, "shapeless")
    }
    #expect(failure?.message.contains("--like") == true)
  }

  @Test func `a classifier goes on or gets a new head`() throws {
    let fixture = try fixture()
    try fixture.finetune(.tiny(steps: 30, regularization: .none), from: "run", "fine")
    let again = try fixture.finetune(.tiny(steps: 1, regularization: .none), from: "fine", "again")
    #expect(again.result?.tally.top1 == 1 && again.warnings.isEmpty)
    try fixture.write("three/train/a/1.png", TemporaryRun.picture(1).encodedAsPNG())
    for name in ["b", "c"] {
      try fixture.write("three/train/\(name)/\(name).png", TemporaryRun.picture(2).encodedAsPNG())
    }
    let other = try fixture.finetune(
      .tiny(steps: 1), from: "fine", "other", data: "three/train", validation: "three/train")
    #expect(other.warnings.contains { $0.contains("head") && $0.contains("new") })
  }

  @Test func `few labels`() throws {
    let fixture = try fixture()
    var recipe = FinetuningRecipe.tiny(steps: 1)
    recipe.labels = .init(fraction: 0.5)
    let run = try fixture.classification(recipe, from: "run", "half").task
    #expect(run.labelled.training.count == 6 && run.labelled.available == 12)
    #expect(run.labelled.validation.count == 6)
    recipe.labels = .init(perClass: 1)
    let one = try fixture.classification(recipe, from: "run", "one").task
    #expect(Set((0..<2).map { one.labelled.training.label(of: $0) }) == [0, 1])
    recipe.labels = .init(perClass: 7)
    let error = #expect(throws: DatasetError.self) {
      try fixture.finetune(recipe, from: "run", "seven")
    }
    #expect(error?.description.contains("6 images of class") == true)
  }

  @Test func `a tenth is held back where nothing judges`() throws {
    let fixture = try fixture()
    let run = try fixture.classification(
      .tiny(steps: 1), from: "run", "held", data: "classes/train"
    ).task
    #expect(run.labelled.validation.count == 2 && run.labelled.training.count == 10)
    let names = { (set: any ImageDataset) in Set((0..<set.count).map { set.name(of: $0) }) }
    #expect(names(run.labelled.validation).isDisjoint(with: names(run.labelled.training)))
    #expect(run.warnings.contains { $0.contains("--validation") })
  }

  @Test func `labels that make no sense are refused`() throws {
    let fixture = try fixture()
    try fixture.makeClasses(in: "other")
    try FileManager.default.moveItem(
      atPath: fixture("other/val/dark"), toPath: fixture("other/val/gloomy"))
    try fixture.write("single/train/only/1.png", TemporaryRun.picture(1).encodedAsPNG())
    try fixture.write("single/val/only/1.png", TemporaryRun.picture(2).encodedAsPNG())
    for (data, words) in [
      ("images", "no classes"), ("single", "one class only"), ("other", "gloomy"),
      ("nowhere", "nothing here"),
    ] {
      do {
        try fixture.finetune(.tiny(steps: 1), from: "run", "refused", data: data)
        Issue.record("\(data) was taken")
      } catch {
        #expect("\(error)".contains(words), "\(data): \(error)")
      }
      #expect(!fixture.exists("refused/recipe.yaml"))
    }
  }

  @Test func `values that make no sense are refused`() {
    var recipe = FinetuningRecipe.tiny(blocks: 1.5)
    recipe.labels.fraction = 0
    recipe.regularization.dropPath = 1
    recipe.optimizer.layerDecay = 0
    recipe.ema = 1
    #expect(
      recipe.problems.map { "\($0.path)" } == [
        "trainableBlocks", "labels.fraction", "regularization.dropPath", "optimizer.layerDecay",
        "ema",
      ])
    #expect(FinetuningRecipe.tiny().problems.isEmpty)
  }

  /// What only the encoder can tell, and is found before a folder is made.
  @Test func `values that do not fit the encoder are refused`() throws {
    let fixture = try fixture()
    func refusal(
      from model: String?, like: String? = nil, _ change: (inout FinetuningRecipe) -> Void
    ) -> String {
      var recipe = FinetuningRecipe.tiny(steps: 1)
      change(&recipe)
      do {
        try fixture.finetune(recipe, from: model, like: like, "refused")
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      refusal(from: "run") { $0.data.normalization = .imageNet }.contains(
        "has 3 channels where model.channels is 1"))
    #expect(
      refusal(from: "run") { $0.data.normalization = .given(mean: [0, 0], std: [1, 1]) }.contains(
        "has 2 values; expected one for each channel, 1"))
    #expect(
      refusal(from: "run") { $0.data.normalization = .given(mean: [0], std: [0]) }.contains(
        "expected numbers above 0"))
    let colour = ModelConfiguration(
      height: 16, width: 16, channels: 3, patch: 4,
      encoder: TransformerShape(width: 16, depth: 1, heads: 2),
      decoder: TransformerShape(width: 16, depth: 1, heads: 2))
    #expect(refusal(from: "run") { $0.model = colour }.contains("leave model null"))
    #expect(refusal(from: nil, like: "run") { $0.model = colour }.contains("--like"))
    #expect(!fixture.exists("refused"))
    var recipe = FinetuningRecipe.tiny()
    recipe.head.batchNorm = true
    recipe.batch.size = 1
    #expect(recipe.problems.map { "\($0.path)" } == ["batch.size"])
  }

  @Test func `a run from scratch goes on with the same words`() throws {
    let fixture = try fixture()
    let named = FinetuningRecipe.tiny()
    try fixture.finetune(named, from: nil, like: "run", "scratch", stopAfter: 7)
    let kept = try RecipeBooks.classification.resolve(fixture("scratch/recipe.yaml"))
    let resumed = try kept.resumed(with: named, recipeIsNamed: true)
    try fixture.finetune(resumed, from: nil, like: "run", "scratch", .resume)
    #expect(fixture.exists("scratch/checkpoints/step-12"))
    var other = named
    other.optimizer.baseLearningRate = 0.3
    other.labels.fraction = 0.5
    let refused = #expect(throws: RecipeErrors.self) {
      try kept.resumed(with: other, recipeIsNamed: true)
    }
    #expect(
      refused?.mistakes.map { "\($0.path)" } == ["labels.fraction", "optimizer.baseLearningRate"])
  }

  @Test func `names of folders and protocols`() {
    var recipe = FinetuningRecipe.tiny()
    #expect(recipe.folderName(data: "a/my.flowers/", isFromScratch: false) == "my-fine-tuned")
    recipe.labels.fraction = 0.01
    #expect(recipe.folderName(data: "flowers", isFromScratch: true) == "flowers-scratch-1-percent")
    recipe.trainableBlocks = 0.5
    #expect(recipe.folderName(data: "./", isFromScratch: false) == "data-blocks-0.5-1-percent")
    #expect(recipe.protocolName(isFromScratch: false) == "last ½ block")
  }
}
