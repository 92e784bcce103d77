import DiscreteVAE
import Figures
import FileSystem
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import TestSupport
import Testing
import Torch
import TorchNN
import WeightExchange

@testable import Training

/// Training an image tokenizer, and models that predict its tokens, or principal components.
@Suite(.serialized) struct TokenizerTests {
  private func recipe(steps: Int = 6, height: Int = 16) throws -> TokenizerRecipe {
    try RecipeBooks.tokenizer.resolve(
      "tokenizer-fashion-mnist",
      settings: [
        "model={height: \(height), width: 16, hiddenWidth: 4, initialWidth: 4, vocabulary: 8}",
        "data.workers=1", "batch.size=4", "batch.accumulation=1", "schedule.steps=\(steps)",
        "schedule.warmupEpochs=0", "ema=0.5", "logging.images=3",
      ])
  }

  private func train(
    _ folder: TemporaryRun, _ out: String, _ recipe: TokenizerRecipe,
    _ opening: RunFolder.Opening = .new, stopAfter: Int? = nil
  ) throws {
    let run = try TrainingRun<TokenizerTask>(
      recipe, TokenizerInputs(data: folder("images")),
      .init(out: folder(out), opening: opening, stopAfter: stopAfter))
    try TrainingSession(run, terminal: .plain, print: { _ in }, warn: { _ in })
      .run(shouldStop: { false })
  }

  @Test func `a tokenizer is trained, and a resumed run is the unbroken one`() throws {
    let folder = try TemporaryRun(images: 8)
    let recipe = try recipe()
    try train(folder, "whole", recipe)
    try train(folder, "parts", recipe, stopAfter: 3)
    try train(folder, "parts", recipe, .resume)
    #expect(try folder.state("whole", step: 6) == folder.state("parts", step: 6))
    let results = try #require(try RunResults.read(folder("whole")).tokenizer)
    #expect(results.vocabulary == 8 && results.images == 8 && results.training?.steps == 6)
    #expect(results.usage > 0 && results.usage <= 1 && results.perplexity >= 1)
    let metrics = try folder.metrics("whole")
    #expect(metrics.contains { $0.values["likelihood"] != nil && $0.values["divergence"] != nil })
    #expect(metrics.last?.values["validation_codebook_usage"] == results.usage)
    #expect(folder.names("whole/reconstructions").contains { $0.hasSuffix(".png") })
    #expect(try folder.text("whole/report.html").contains("of the vocabulary used"))
    // It is what was said: loaded, and refused where a model is wanted.
    let loaded = try LoadedTokenizer(folder("whole"))
    #expect(loaded.tokenizer.configuration == recipe.model)
    let failure = #expect(throws: RunFailure.self) { try LoadedModel(folder("whole")) }
    #expect(failure?.description.contains("is an image tokenizer") == true)
  }

  @Test func `temperature falls and the divergence's weight rises over the run`() throws {
    var recipe = try recipe()
    recipe.relaxation = .init(start: 1, end: 0.5, share: 0.5)
    recipe.loss = .init(klWeight: 2, klShare: 0.25)
    let shares = [0, 0.125, 0.25, 0.5, 1]
    let temperatures = shares.map { recipe.temperature(after: $0) }
    let weights = shares.map { recipe.klWeight(after: $0) }
    #expect(zip(temperatures, [1, 0.926_777, 0.75, 0.5, 0.5]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(weights, [0, 1, 2, 2, 2]).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  private func tokens(_ path: String?, steps: Int = 6) -> PretrainingRecipe {
    var target = TokenTarget()
    target.tokenizer = path
    return .tiny(steps: steps, target: ReconstructionTarget(target), saveEvery: 3)
  }

  @Test func `a model of tokens carries its tokenizer with it`() throws {
    let folder = try TemporaryRun(images: 8)
    try train(folder, "tokenizer", try recipe(steps: 2))
    let recipe = tokens(folder("tokenizer"))
    try folder.train(recipe, "whole")
    try folder.train(recipe, "parts", stopAfter: 3)
    // From here on the tokenizer's run is not needed.
    let weights = try LoadedTokenizer(folder("tokenizer")).store.weights
    try folder.remove("tokenizer")
    let kept = try RecipeBooks.pretraining.resolve(nil, settings: [], resuming: folder("parts"))
    try folder.train(kept, "parts", .resume)
    #expect(try folder.state("whole", step: 6) == folder.state("parts", step: 6))
    let metrics = try folder.metrics("whole")
    #expect(metrics.allSatisfy { (0...1).contains($0.values["accuracy"] ?? -1) })
    let model = try LoadedModel(folder("whole"))
    for (name, tensor) in weights {
      expectEqual(try #require(model.store["decoder_target.\(name)"]), tensor, name)
    }
    expectEqual(try #require(model.store["decoder_target.mean"]), Tensor([0.5] as [Float]))
    // Pictures, an encoder for other uses, and a file that holds all of it.
    let sheet = try Reconstruction(model).sheet(
      of: ToyDataset(images: [TemporaryRun.picture(1)]), [0], ratios: [0.5], seed: 1)
    #expect(sheet.rows[0].tiles.count == 4)
    try model.published.write(to: folder("out.safetensors"), as: .original)
    let back = try LoadedModel(folder("out.safetensors"))
    #expect(back.description.model == model.description.model)
  }

  @Test func `a tokenizer of other images is refused before a step`() throws {
    let folder = try TemporaryRun(images: 8)
    try train(folder, "tall", try recipe(steps: 1, height: 32))
    func message(_ path: String) -> String {
      do {
        try folder.train(tokens(path), "run")
        return "trained"
      } catch { return "\(error)" }
    }
    #expect(
      message(folder("tall")).contains(
        "which makes 8 × 4 tokens of 32 × 16 pixels; the model has 4 × 4 patches"))
    #expect(message(folder("nothing")).contains("there is nothing here"))
    try folder.train(.tiny(steps: 1), "pixels")
    #expect(message(folder("pixels")).contains("is no image tokenizer"))
    #expect(!folder.exists("run"))
  }

  @Test func `published weights are imported`() throws {
    let folder = TemporaryFolder()
    let golden = Golden("dvae")
    let parts = golden.folder.path + "/importing"
    let loaded = try LoadedTokenizer(
      publishedEncoder: parts + "/encoder.pth", decoder: parts + "/decoder.pth", size: (8, 12))
    try loaded.write(to: folder["tokenizer"])
    let back = try LoadedTokenizer(folder["tokenizer"])
    let tensors = try golden.tensors("stride-4.safetensors")
    expectClose(
      back.tokenizer.reconstruction(of: try tensors["images"]), try tensors["reconstruction"],
      absolute: 1e-5)
    #expect(throws: RunFailure.self) {
      try LoadedTokenizer(
        publishedEncoder: parts + "/encoder.pth", decoder: parts + "/decoder.pth", size: (9, 12))
    }
    #expect(throws: RunFailure.self) {
      try LoadedTokenizer(publishedEncoder: parts + "/encoder.pth", decoder: nil, size: (8, 12))
    }
  }

  // MARK: Principal components

  @Test func `components are fitted to the images and kept`() throws {
    let folder = try TemporaryRun(images: 8)
    var target = PCATarget()
    target.components = 5
    let recipe = PretrainingRecipe.tiny(
      steps: 6, target: ReconstructionTarget(target), saveEvery: 3)
    try folder.train(recipe, "whole")
    try folder.train(recipe, "parts", stopAfter: 3)
    let before = try Checkpoint(path: folder("parts/checkpoints/step-3")).weights()
    try folder.train(recipe, "parts", .resume)
    #expect(try folder.state("whole", step: 6) == folder.state("parts", step: 6))
    let model = try LoadedModel(folder("whole"))
    let components = try #require(model.store["decoder_target.components"])
    expectEqual(try #require(before["decoder_target.components"]), components)
    #expect(components.shape == [5, 16])
    // Directions of unit length, at right angles, and not the unfitted ones.
    expectClose(
      components.matmul(components.transposed(0, 1)),
      Tensor((0..<25).map { $0 % 6 == 0 ? 1 : 0 } as [Float], shape: [5, 5]), absolute: 1e-5)
    #expect(components[0].abs().max().item() < 0.9)
    #expect(model.store["decoder_target.mean"]?.abs().max().item() ?? 0 > 0)
    _ = try Reconstruction(model).sheet(
      of: ToyDataset(images: [TemporaryRun.picture(1)]), [0], ratios: [0.5], seed: 1)
  }

  /// A run that was ended before its first checkpoint and is resumed fits as a new one does.
  @Test func `a resumed run without a checkpoint fits anew`() throws {
    let folder = try TemporaryRun(images: 4)
    let recipe = PretrainingRecipe.tiny(
      steps: 2, target: ReconstructionTarget(PCATarget()), saveEvery: 2)
    try folder.train(recipe, "whole")
    try folder.train(recipe, "parts", .resume)
    #expect(try folder.state("whole", step: 2) == folder.state("parts", step: 2))
  }
}
