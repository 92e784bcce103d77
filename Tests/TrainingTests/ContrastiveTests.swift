@testable import Inference
@testable import Recipes
@testable import Runs
import ContrastiveLearning
import DataParallel
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import RecipeSyntax
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim
import WeightExchange

@testable import Training

extension ContrastiveRecipe {
  /// Trains on gray pictures of 16² pixels for some steps.
  static func tiny(steps: Int = 10, batch: Int = 4, accumulation: Int = 1) -> ContrastiveRecipe {
    ContrastiveRecipe(
      name: "tiny", seed: 3,
      model: ModelConfiguration(
        height: 16, width: 16, channels: 1, patch: 4,
        encoder: TransformerShape(width: 16, depth: 2, heads: 2), decoder: nil),
      heads: ContrastiveHeads(hidden: 24, output: 8), momentum: 0.9,
      data: DataRecipe(
        scale: 0.4...1, normalization: .given(mean: [0.5], std: [0.25]), workers: 2),
      optimizer: OptimizerRecipe(baseLearningRate: 0.02, weightDecay: 0.1),
      batch: BatchRecipe(size: batch, accumulation: accumulation),
      schedule: ScheduleRecipe(epochs: 1, steps: steps, warmupEpochs: 0),
      checkpoints: CheckpointRecipe(everyEpochs: nil, everySteps: 5, keep: 5),
      logging: Logging(everySteps: 1))
  }
}

extension TemporaryRun {
  /// Trains by contrast on `images/`; gives the losses and, of the first process, what was said.
  @discardableResult
  func contrast(
    _ recipe: ContrastiveRecipe, _ out: String, _ opening: RunFolder.Opening = .new,
    stopAfter: Int? = nil
  ) throws -> [String] {
    let run = try TrainingRun<ContrastiveTask>(
      recipe, ContrastiveInputs(data: self("images")),
      .init(out: self(out), opening: opening, stopAfter: stopAfter))
    var said: [String] = []
    try TrainingSession(
      run, terminal: .plain, print: { said.append($0) }, warn: { said.append($0) }
    ).run(shouldStop: { false })
    return said
  }
}

/// Contrastive pre-training from images to runs whose encoder is used.
@Suite struct ContrastiveTests {
  @Test func `an encoder is learned, and its run is what other commands start from`() throws {
    let folder = try TemporaryRun(images: 13)
    var recipe = ContrastiveRecipe.tiny(steps: 40, batch: 12)
    recipe.augmentation = .crop
    (recipe.data.scale, recipe.data.flip) = (0.7...1, 0)
    recipe.optimizer.baseLearningRate = 0.2
    let said = try folder.contrast(recipe, "run").joined(separator: "\n")
    #expect(said.contains("two of each image: crop and flip alone"))
    let losses = try folder.metrics("run").compactMap { $0.values["loss"] }
    let (first, last) = (losses.prefix(8).reduce(0, +), losses.suffix(8).reduce(0, +))
    #expect(last < 0.5 * first, "\(losses)")
    let page = try folder.text("run/report.html")
    #expect(page.contains("encoder, pre-trained by contrast with swift-mae"))
    #expect(page.contains("projection head") && page.contains("No label was used"))
    #expect(try RunResults.read(folder("run")).pretraining?.steps == 40)

    let loaded = try LoadedModel(folder("run"))
    let weights = try Checkpoint(path: folder("run/checkpoints/step-40")).weights()
    #expect(weights.keys.contains("momentum.projector.0.weight"))
    #expect(weights.keys.contains("predictor.3.weight"))
    #expect(loaded.usedWeights.map(\.name).allSatisfy { !MomentumContrast.isBesideEncoder($0) })
    for (name, tensor) in loaded.usedWeights {
      #expect(tensor.floats() == weights[name]?.floats(), "\(name)")
    }
    #expect(throws: RunFailure.self) { try loaded.autoencoder() }
    #expect(loaded.published.classifier == nil)
    #expect(loaded.published.configuration.decoder == nil)
    try folder.makeClasses(perClass: 4)
    let classifier = try TrainingRun<ClassificationTask>(
      .tiny(), .init(model: folder("run"), data: folder("classes")),
      .init(out: folder("classifier"), stopAfter: 1))
    #expect(try TemporaryRun.losses(of: classifier).count == 1)
  }

  @Test(arguments: [ContrastiveRecipe.tiny(), .tiny(accumulation: 2)])
  func `a resumed run equals the unbroken one, both encoders and all heads`(
    _ recipe: ContrastiveRecipe
  ) throws {
    let folder = try TemporaryRun(images: 13)
    try folder.contrast(recipe, "whole")
    try folder.contrast(recipe, "parts", stopAfter: 3)
    try folder.contrast(recipe, "parts", .resume, stopAfter: 7)
    try folder.contrast(recipe, "parts", .resume)
    #expect(try folder.state("whole", step: 10) == folder.state("parts", step: 10))
    // The momentum encoder moves in every step, and is not the encoder.
    let all = try [5, 10].map {
      try Checkpoint(path: folder("whole/checkpoints/step-\($0)")).weights()
    }
    for name in ["cls_token", "projector.0.weight", "blocks.1.attn.qkv.weight"] {
      #expect(all[0]["momentum." + name]?.floats() != all[1]["momentum." + name]?.floats())
      #expect(all[1][name]?.floats() != all[1]["momentum." + name]?.floats())
    }
    for name in ["patch_embed.proj.weight", "patch_embed.proj.bias"] {
      #expect(all[0][name]?.floats() == all[1][name]?.floats())
      #expect(all[1][name]?.floats() == all[1]["momentum." + name]?.floats())
    }
  }

  @Test(arguments: [1, 2])
  func `ranks learn by contrast as one process does`(accumulation: Int) throws {
    let folder = try TemporaryRun(images: 13)
    let recipe = ContrastiveRecipe.tiny(batch: 8, accumulation: accumulation)
    @Sendable func losses(_ out: String, _ group: DataParallelGroup) throws -> [Double] {
      try TemporaryRun.losses(
        of: TrainingRun<ContrastiveTask>(
          recipe, .init(data: folder("images")), .init(out: folder(out), group: group)))
    }
    let alone = try losses("alone", .single)
    #expect(alone.count == 10)
    for all in try together(2, { group in try losses("together", group) }) {
      #expect(all.count == alone.count)
      for (a, b) in zip(all, alone) { #expect(abs(a - b) <= 1e-4 * abs(b), "\(a) \(b)") }
    }
    let momentum = try ["alone", "together"].map {
      try #require(
        try Checkpoint(path: folder($0 + "/checkpoints/step-10")).weights()[
          "momentum.projector.4.running_mean"]
      ).floats()
    }
    for (a, b) in zip(momentum[0], momentum[1]) { #expect(abs(a - b) < 1e-3) }
  }

  @Test func `views differ, and colours can be switched off`() throws {
    let folder = try TemporaryRun(images: 13)
    func batch(_ recipe: ContrastiveRecipe) throws -> Tensor {
      let task = try ContrastiveTask(
        recipe, .init(data: folder("images")), on: .cpu, isResumed: false)
      let isSaid = task.warnings.contains { $0.contains("images are grayscale") }
      #expect(isSaid == (recipe.augmentation == .byol))
      let loader = task.batches(startingAt: 0, rank: .single)
      defer { loader.stop() }
      return try loader.next().tensor(on: .cpu).cloned()
    }
    var recipe = ContrastiveRecipe.tiny()
    let views = try batch(recipe)
    #expect(views.shape == [4, 2, 1, 16, 16])
    #expect(views[.all, 0].floats() != views[.all, 1].floats())
    recipe.data.normalizeOnDevice = true
    #expect(try batch(recipe).floats() == views.floats())
    recipe.augmentation = .crop
    #expect(try batch(recipe).floats() != views.floats())
    // Without anything random both views are the picture.
    (recipe.data.crop, recipe.data.flip) = (.none, 0)
    let same = try batch(recipe)
    #expect(same[.all, 0].floats() == same[.all, 1].floats())
    // What is switched off is not drawn: crops are those of the first view with colours.
    recipe = .tiny()
    (recipe.colors.blur, recipe.colors.solarize) = ([0, 0], [0, 0])
    (recipe.colors.jitterProbability, recipe.colors.grayscale) = (0, 0)
    let plain = try batch(recipe)
    recipe.augmentation = .crop
    #expect(try batch(recipe)[.all, 0].floats() == plain[.all, 0].floats())
  }

  @Test func `mistakes are told by their fields`() {
    var recipe = ContrastiveRecipe.tiny()
    #expect(recipe.problems.isEmpty)
    recipe.model.decoder = .tiny
    recipe.heads.output = 1
    (recipe.temperature, recipe.momentum) = (0, 2)
    recipe.data.jitter = 0.5
    recipe.data.normalization = .inherited
    recipe.colors.hue = 0.7
    recipe.colors.blur = [1]
    recipe.batch.size = 1
    #expect(
      recipe.problems.map(\.path.description) == [
        "model.decoder", "heads.output", "temperature", "momentum", "data.jitter",
        "data.normalization", "colors.hue", "colors.blur", "batch.size",
      ])
    #expect(RecipeBooks.contrastive.entries.allSatisfy { $0.recipe.problems.isEmpty })
  }

  @Test func `the paper's values are the recipe's`() throws {
    let recipe = try RecipeBooks.contrastive.resolve("moco-v3-vit-base")
    #expect(abs(recipe.peakLearningRate - 2.4e-3) < 1e-12)
    #expect(recipe.schedule.epochs == 300 && recipe.schedule.warmupEpochs == 40)
    #expect(recipe.temperature == 0.2 && recipe.momentum == 0.99)
    #expect(recipe.optimizer.weightDecay == 0.1)
    #expect(recipe.patchProjection == .frozen)
    let views = recipe.views(for: PixelSize(width: 224, height: 224))
    #expect(views.first.minScale == 0.08 && views.first.flip == 0.5)
    #expect(views.first.distortion?.blur == 1 && views.second.distortion?.blur == 0.1)
    #expect(views.first.distortion?.solarize == 0 && views.second.distortion?.solarize == 0.2)
  }
}
