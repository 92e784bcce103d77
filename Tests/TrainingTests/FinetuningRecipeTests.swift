import Imaging
import MaskedAutoencoders
import Testing
import TorchOptim
@testable import Recipes
@testable import RecipeSyntax

/// The named recipes for classifiers hold the paper's and the published code's values.
@Suite struct FinetuningRecipeTests {
  private func recipe(_ name: String) throws -> FinetuningRecipe {
    try RecipeBooks.classification.entry(named: name).recipe
  }

  @Test func allAreSoundAndReadBack() throws {
    for entry in RecipeBooks.classification.entries {
      #expect(entry.recipe.problems.isEmpty, "\(entry.name)")
      let file = try RecipeFile(parsing: entry.yaml, source: entry.name)
      #expect(try RecipeBooks.classification.standard.changed(by: file) == entry.recipe, "\(entry.name)")
    }
    let names = RecipeBooks.classification.entries.map(\.name) + RecipeBooks.pretraining.entries.map(\.name)
    #expect(Set(names).count == names.count)
  }

  /// Table 9, and the published code's fine-tuning page where it differs.
  @Test func fineTuning() throws {
    for (size, epochs, paperDrop, codeDrop, codeRate, codeDecay) in [
      ("base", 100, 0.1, 0.1, 5e-4, 0.65), ("large", 50, 0.1, 0.2, 1e-3, 0.75),
      ("huge", 50, 0.2, 0.3, 1e-3, 0.75),
    ] {
      let paper = try recipe("paper-table9-vit-\(size)")
      let code = try recipe("finetune-vit-\(size)")
      #expect(paper.optimizer.baseLearningRate == 1e-3 && paper.optimizer.layerDecay == 0.75)
      #expect(code.optimizer.baseLearningRate == codeRate && code.optimizer.layerDecay == codeDecay)
      #expect(paper.regularization.dropPath == paperDrop)
      #expect(code.regularization.dropPath == codeDrop)
      #expect(paper.regularization.erasing == 0 && code.regularization.erasing == 0.25)
      #expect(paper.optimizer.minimumLearningRate == 0 && code.optimizer.minimumLearningRate == 1e-6)
      #expect(paper.head.pooling == .classToken && code.head.pooling == .normalizedMean)
      for recipe in [paper, code] {
        #expect(recipe.schedule.epochs == epochs && recipe.schedule.warmupEpochs == 5)
        #expect(recipe.batch.size == 1024 && recipe.optimizer.weightDecay == 0.05)
        #expect(recipe.optimizer.beta1 == 0.9 && recipe.optimizer.beta2 == 0.999)
        #expect(recipe.regularization.mixup == 0.8 && recipe.regularization.cutmix == 1)
        #expect(recipe.regularization.labelSmoothing == 0.1)
        #expect(recipe.regularization.randAugment == 9)
        #expect(recipe.regularization.randAugmentNoise == 0.5)
        #expect(recipe.head.std == 2e-5 && recipe.data.scale == 0.08...1)
        #expect(recipe.optimizer.clip == nil && recipe.ema == nil)
      }
    }
  }

  /// Table 10.
  @Test func linearProbing() throws {
    let probe = try recipe("paper-table10-linear-probe")
    #expect(probe.optimizer.kind == .lars && probe.optimizer.momentum == 0.9)
    #expect(probe.peakLearningRate == 6.4 && probe.optimizer.weightDecay == 0)
    #expect(probe.batch.size == 16_384 && probe.schedule.epochs == 90)
    #expect(probe.schedule.warmupEpochs == 10 && probe.head.batchNorm)
    #expect(probe.trainedPart == .lastBlocks(0) && probe.head.pooling == .classToken)
    #expect(probe.regularization == .none && probe.data.crop == .randomClipped)
  }

  /// Table 11.
  @Test func fromScratch() throws {
    for (size, shape, patch, epochs, drop) in [
      ("base", TransformerShape.base, 16, 300, 0.1), ("large", .large, 16, 200, 0.2),
      ("huge", .huge, 14, 200, 0.2),
    ] {
      let scratch = try recipe("paper-table11-scratch-vit-\(size)")
      #expect(scratch.model?.encoder == shape && scratch.model?.patch == patch)
      #expect(scratch.peakLearningRate == 1.6e-3 && scratch.optimizer.weightDecay == 0.3)
      #expect(scratch.optimizer.beta1 == 0.9 && scratch.optimizer.beta2 == 0.95)
      #expect(scratch.batch.size == 4096 && scratch.schedule.epochs == epochs)
      #expect(scratch.schedule.warmupEpochs == 20 && scratch.optimizer.layerDecay == 1)
      #expect(scratch.regularization.dropPath == drop && scratch.ema == 0.9999)
      #expect(scratch.regularization.mixup == 0.8 && scratch.regularization.erasing == 0)
    }
  }

  @Test func settingsAreLaidOver() throws {
    let recipe = try RecipeBooks.classification.resolve(
      "finetune", settings: ["trainableBlocks=0.5", "labels.perClass=5", "schedule.epochs=3"])
    #expect(recipe.trainedPart == .halfBlock && recipe.labels.perClass == 5)
    #expect(recipe.schedule.warmupEpochs == 3 || recipe.schedule.warmupEpochs < 3)
    let errors = #expect(throws: RecipeErrors.self) {
      try RecipeBooks.classification.resolve("finetun", settings: ["trainableBlock=1", "head.pooling=cls"])
    }
    let text = (errors?.mistakes ?? []).map { "\($0)" }.joined(separator: "\n")
    #expect(text.contains("did you mean finetune?"), "\(text)")
    #expect(text.contains("did you mean trainableBlocks?"), "\(text)")
    #expect(text.contains("class-token"), "\(text)")
  }
}
