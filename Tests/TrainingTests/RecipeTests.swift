import Foundation
import Imaging
import MaskedAutoencoders
import Testing
import Training
@testable import RecipeSyntax
@testable import Recipes

/// Named recipes, what may be laid over them, and what their mistakes read like.
@Suite struct RecipeTests {
  static func mistakes(_ settings: String..., recipe: String? = nil) -> String {
    do {
      _ = try RecipeBooks.pretraining.resolve(recipe, settings: settings)
      return "accepted"
    } catch { return error.description }
  }

  @Test func `every named recipe is sound and round trips`() throws {
    for entry in RecipeBooks.pretraining.entries {
      #expect(entry.recipe.problems.isEmpty, "\(entry.name)")
      let file = try RecipeFile(parsing: entry.yaml, source: entry.name)
      for base in RecipeBooks.pretraining.entries {
        #expect(try base.recipe.changed(by: file) == entry.recipe, "\(entry.name)")
      }
    }
    #expect(
      Set(RecipeBooks.pretraining.entries.map(\.name)).count
        == RecipeBooks.pretraining.entries.count)
  }

  @Test func `the rows of Table 1e are recipes`() throws {
    func augmentation(_ side: Int, _ settings: String...) throws -> Augmentation {
      try RecipeBooks.pretraining.resolve(settings: settings).data.augmentation(
        for: PixelSize(width: side, height: side))
    }
    #expect(try augmentation(224, "data.crop=center", "data.flip=0") == .evaluation)
    #expect(
      try augmentation(28, "data.crop=center", "data.flip=0")
        == Augmentation.evaluation(for: PixelSize(width: 28, height: 28)))
    #expect(
      try augmentation(224, "data.crop=random-fixed") == Augmentation(crop: .randomFixed))
    #expect(
      try augmentation(28, "data.crop=random-fixed")
        == Augmentation(crop: .randomFixed, centerFraction: 1))
    #expect(try augmentation(224, "data.crop=random-resized") == .pretraining)
    let jittered = try augmentation(224, "data.crop=random-resized", "data.jitter=0.5")
    #expect(
      jittered.jitter == ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1))
  }

  @Test func `odd values round trip exactly`() throws {
    var recipe = RecipeBooks.pretraining.standard
    recipe.seed = .max
    recipe.name = "null"
    recipe.note = "true"
    recipe.masking = .random(ratio: 0.1 + 0.2)
    recipe.optimizer.clip = 1 / 3.0
    recipe.optimizer.baseLearningRate = 1.1e-17
    recipe.data.normalization = .given(mean: [0.1, 1e-9, 0], std: [1 / 3.0, 2, 3])
    recipe.schedule.steps = 12
    recipe.checkpoints.everyEpochs = nil
    let file = try RecipeFile(parsing: recipe.yaml(header: ["---", "# x"]), source: "r")
    #expect(try RecipeBooks.pretraining.standard.changed(by: file) == recipe)
    recipe.note = nil
    let other = try RecipeFile(parsing: recipe.yaml(), source: "r")
    #expect(try RecipeBooks.pretraining.standard.changed(by: other).note == nil)
  }

  @Test func `settings reach every kind of field`() throws {
    let recipe = try RecipeBooks.pretraining.resolve(settings: [
      "seed=18446744073709551615", "name=2024", "note=a=b: c # d", "model.encoder=large",
      "model.encoder.depth=3", "model.decoder={width: 96, heads: 3}", "masking.ratio = 0.6",
      "data.scale=[0.08, 1]", "optimizer.clip=1", "optimizer.baseLearningRate=1e-3",
      "schedule.steps=1e3",
      "checkpoints.everyEpochs=null", "data.normalization={mean: [0, 0, 0], std: [1, 1, 1]}",
      "data.normalization.mean=[0.5, 0.5, 0.5]", "precision=bfloat16", "model.qkvBias=false",
      "loss.region=all", "model.target=pixels",
    ])
    #expect(recipe.seed == .max)
    #expect(recipe.name == "2024")
    #expect(recipe.note == "a=b: c # d")
    #expect(recipe.model.encoder == TransformerShape(width: 1024, depth: 3, heads: 16))
    #expect(recipe.model.decoder == TransformerShape(width: 96, depth: 8, heads: 3))
    #expect(recipe.masking.ratio == 0.6)
    #expect(recipe.data.scale == 0.08...1)
    #expect(recipe.optimizer.clip == 1)
    #expect(recipe.optimizer.baseLearningRate == 1e-3)
    #expect(recipe.schedule.steps == 1000)
    #expect(recipe.checkpoints.everyEpochs == nil)
    #expect(
      recipe.data.normalization == .given(mean: [0.5, 0.5, 0.5], std: [1, 1, 1]))
    #expect(recipe.precision == .bfloat16)
    #expect(recipe.model.qkvBias == false)
    #expect(recipe.loss.region == .all)
    #expect(recipe.model.target == .pixels)
    #expect(
      try RecipeBooks.pretraining.resolve(settings: ["optimizer.clip=1", "optimizer.clip="])
        .optimizer.clip
        == nil)
    #expect(
      try RecipeBooks.pretraining.resolve(settings: ["model.decoder=paper"]).model.decoder
        == .paperDecoder)
  }

  @Test func `files start from their base`() throws {
    let text = """
      base: demo-fashion-mnist
      model: {encoder: tiny}
      schedule:
        epochs: 3
      """
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yaml")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let recipe = try RecipeBooks.pretraining.resolve(file.path, settings: ["schedule.epochs=4"])
    #expect(recipe.model.channels == 1)
    #expect(recipe.model.encoder == .tiny)
    #expect(recipe.schedule == .init(epochs: 4, warmupEpochs: 0.5))
    try Data("base: fashion\nmodel: {patch: 3.5}".utf8).write(to: file)
    let lines = Self.mistakes("seed=x", recipe: file.path).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.first?.hasPrefix("no recipe is called fashion; there are default,") == true)
    #expect(
      lines.dropFirst().first
        == "model.patch is 3.5; expected a whole number (\(file.path), line 2)")
    #expect(lines.last == "seed is x; expected a whole number from 0 (--set)")
  }

  @Test(arguments: [
    ("model.ptach=8", "model.ptach does not exist; did you mean model.patch? (--set)"),
    ("epochs=5", "epochs does not exist; did you mean schedule.epochs? (--set)"),
    (
      "model.patch.x=1",
      "model.patch.x does not exist: model.patch is 16, which has no fields; "
        + "give model.patch whole (--set)"
    ),
    (
      "data.normalization.mean=[1]",
      "data.normalization.mean does not exist: data.normalization is "
        + "imagenet, which has no fields; give data.normalization whole (--set)"
    ),
    (
      "zzzzzzzz=1",
      "zzzzzzzz does not exist; a recipe has name, note, seed, model, masking, loss, "
        + "data, optimizer, batch, schedule, precision, memory, checkpoints and logging (--set)"
    ),
    ("loss.zzzzzzzz=1", "loss.zzzzzzzz does not exist; loss has region (--set)"),
    ("schedule.epochs", "--set schedule.epochs: expected path=value, such as schedule.epochs=50"),
    ("=5", "--set =5: expected path=value, such as schedule.epochs=50"),
    ("a..b=5", "--set a..b=5: expected path=value, such as schedule.epochs=50"),
    ("batch.size=x", "batch.size is x; expected a whole number (--set)"),
    ("batch.size=\"64\"", "batch.size is \"64\"; expected a whole number (--set)"),
    ("batch.size=", "batch.size is nothing; expected a whole number (--set)"),
    ("batch=5", "batch is 5; expected the fields size, accumulation and reduction (--set)"),
    ("seed=-1", "seed is -1; expected a whole number from 0 to 18446744073709551615 (--set)"),
    ("model.qkvBias=yes", "model.qkvBias is yes; expected true or false (--set)"),
    ("optimizer.epsilon=nan", "optimizer.epsilon is nan; expected a number (--set)"),
    (
      "precision=bfloat",
      "precision is bfloat; expected float32, bfloat16 or auto; did you mean "
        + "bfloat16? (--set)"
    ),
    ("masking.strategy=spots", "masking.strategy is spots; expected random, block or grid (--set)"),
    (
      "data.crop=middle",
      "data.crop is middle; expected random-resized, random-clipped, random-fixed, center or "
        + "none (--set)"
    ),
    (
      "model.encoder=larg",
      "model.encoder is larg; expected tiny, small, base, large or huge, or "
        + "the fields width, depth, heads and mlpRatio; did you mean large? (--set)"
    ),
    (
      "model.encoder=5",
      "model.encoder is 5; expected tiny, small, base, large or huge, or "
        + "the fields width, depth, heads and mlpRatio (--set)"
    ),
    (
      "model.decoder=x",
      "model.decoder is x; expected tiny, small, base, large, huge or paper, or "
        + "the fields width, depth, heads and mlpRatio (--set)"
    ),
    (
      "model.decoder=null",
      "model.decoder is null; expected a shape, without which nothing is reconstructed"
    ),
    (
      "model.encoder=[1]",
      "model.encoder is [1]; expected tiny, small, base, large or huge, or "
        + "the fields width, depth, heads and mlpRatio (--set)"
    ),
    (
      "data.normalization=imagnet",
      "data.normalization is imagnet; expected imagenet, computed, inherited or "
        + "none, or {mean: [one number a channel], std: [one number a channel]} (--set)"
    ),
    (
      "data.normalization={mean: [1, 2, 3]}",
      "data.normalization.std is missing; expected a value "
        + "(--set)"
    ),
    (
      "data.normalization={mean: [1, 2, 3], std: [1, 1, 1], sd: 2}",
      "data.normalization.sd does "
        + "not exist; did you mean data.normalization.std? (--set)"
    ),
    (
      "data.scale=[1, 0.2]",
      "data.scale is [1, 0.2]; expected two numbers, the smaller first, such "
        + "as [0.2, 1] (--set)"
    ),
    ("data.scale=[0.2, 0.5, 1]", "data.scale is [0.2, 0.5, 1]; expected 2 values (--set)"),
    (
      "data.scale=[0.2]",
      "data.scale is [0.2]; expected two numbers, the smaller first, such as "
        + "[0.2, 1] (--set)"
    ),
    ("data.scale=[a, 1]", "data.scale holds a; expected a number (--set)"),
    (
      "data.scale=[1",
      "--set data.scale is not valid YAML: did not find expected ',' or ']' at "
        + "line 2, column 1"
    ),
  ])
  func `settings that do not fit`(setting: String, message: String) {
    #expect(Self.mistakes(setting) == message)
  }

  @Test(arguments: [
    ("name=", "name is empty; expected a text"),
    (
      "model.height=225",
      "model.height is 225, which the patch size 16 does not divide; the "
        + "nearest that fit are 224 and 240"
    ),
    ("model.patch=0", "model.patch is 0; expected a whole number from 1 to 65536"),
    (
      "model.height=9223372036854775807",
      "model.height is 9223372036854775807; expected a "
        + "whole number from 1 to 65536"
    ),
    ("model.encoder.heads=7", "model.encoder.heads is 7, which does not divide the width 768"),
    (
      "model.encoder.mlpRatio=1e300",
      "model.encoder.mlpRatio is 1e+300; expected a number from "
        + "0.001 to 1000"
    ),
    (
      "model.channels=1",
      "data.normalization is imagenet, which has 3 channels where "
        + "model.channels is 1; expected computed, none or {mean: […], std: […]}"
    ),
    ("masking.ratio=0", "masking.ratio is 0; expected a number above 0 and below 1"),
    ("masking.ratio=1", "masking.ratio is 1; expected a number above 0 and below 1"),
    ("masking.ratio=-1e300", "masking.ratio is -1e+300; expected a number above 0 and below 1"),
    (
      "masking.ratio=0.999",
      "masking.ratio is 0.999, which leaves none of the 196 patches "
        + "visible; expected less, or smaller patches"
    ),
    (
      "masking.ratio=1e-18",
      "masking.ratio is 1e-18, which hides none of the 196 patches; expected "
        + "more, or smaller patches"
    ),
    ("data.scale=[0, 1]", "data.scale is [0, 1]; expected two numbers above 0"),
    ("data.scale=[0.5, 2]", "data.scale is [0.5, 2]; expected parts of the picture, of at most 1"),
    ("data.ratio=[-1, 1]", "data.ratio is [-1, 1]; expected two numbers above 0"),
    ("data.flip=1.5", "data.flip is 1.5; expected a number from 0 to 1"),
    ("data.jitter=-0.5", "data.jitter is -0.5; expected a number from 0 to 1"),
    (
      "data.shuffleBuffer=0",
      "data.shuffleBuffer is 0; expected a whole number from 1 to 1000000000"
    ),
    ("data.lanes=0", "data.lanes is 0; expected a whole number from 1 to 65536"),
    ("data.repeats=0", "data.repeats is 0; expected a whole number from 1 to 1024"),
    ("data.brokenLimit=2", "data.brokenLimit is 2; expected a number from 0 to 1"),
    ("data.workers=-1", "data.workers is -1; expected a whole number from 0 to 1024"),
    ("data.cache=-1", "data.cache is -1; expected a number of at least 0"),
    ("data.prefetch=0", "data.prefetch is 0; expected a whole number from 1 to 1024"),
    (
      "data.normalization={mean: [0], std: [1, 1, 1]}",
      "data.normalization.mean has 1 values; "
        + "expected one for each channel, 3"
    ),
    (
      "data.normalization={mean: [0, 0, 0], std: [1, 0, 1]}",
      "data.normalization.std is "
        + "[1.0, 0.0, 1.0]; expected numbers above 0"
    ),
    ("optimizer.baseLearningRate=0", "optimizer.baseLearningRate is 0; expected a number above 0"),
    (
      "optimizer.minimumLearningRate=-1",
      "optimizer.minimumLearningRate is -1; expected a number of at least 0"
    ),
    ("optimizer.beta1=1", "optimizer.beta1 is 1; expected a number from 0 and below 1"),
    ("optimizer.beta2=-0.1", "optimizer.beta2 is -0.1; expected a number from 0 and below 1"),
    ("optimizer.epsilon=0", "optimizer.epsilon is 0; expected a number above 0"),
    ("optimizer.weightDecay=-1", "optimizer.weightDecay is -1; expected a number of at least 0"),
    ("optimizer.clip=0", "optimizer.clip is 0; expected a number above 0"),
    ("batch.size=0", "batch.size is 0; expected a whole number from 1 to 1000000"),
    ("batch.accumulation=0", "batch.accumulation is 0; expected a whole number from 1 to 1000000"),
    (
      "schedule.epochs=0",
      "schedule.epochs is 0; expected a whole number from 1 to 1000000\n"
        + "schedule.warmupEpochs is 20, longer than the whole run; expected at most schedule.epochs, 0"
    ),
    ("schedule.steps=0", "schedule.steps is 0; expected a whole number from 1 to 1000000000000"),
    (
      "schedule.warmupEpochs=201",
      "schedule.warmupEpochs is 201, longer than the whole run; expected "
        + "at most schedule.epochs, 200"
    ),
    ("schedule.warmupEpochs=-1", "schedule.warmupEpochs is -1; expected a number of at least 0"),
    ("checkpoints.keep=0", "checkpoints.keep is 0; expected a whole number from 1 to 1000000"),
    (
      "checkpoints.everySteps=0",
      "checkpoints.everySteps is 0; expected a whole number from 1 to 1000000000"
    ),
    (
      "logging.everySteps=0",
      "logging.everySteps is 0; expected a whole number from 1 to 1000000000"
    ),
    ("logging.images=0", "logging.images is 0; expected a whole number from 1 to 1024"),
  ])
  func `values out of range`(setting: String, message: String) {
    #expect(Self.mistakes(setting) == message)
  }

  @Test func `a recipe of an encoder alone cannot be pre-trained`() {
    var recipe = RecipeBooks.pretraining.standard
    recipe.model.decoder = nil
    #expect(
      recipe.problems.map(\.description) == [
        "model.decoder is null; expected a shape, without which nothing is reconstructed"
      ])
  }

  @Test func `all mistakes at once`() {
    let text = Self.mistakes(
      "batch", "batch.size=x", "masking.ratio=1", "model.heigth=3", "precision=int8",
      recipe: "paper-table8-vit-larg")
    #expect(
      text.split(separator: "\n") == [
        "no recipe is called paper-table8-vit-larg; did you mean paper-table8-vit-large?",
        "--set batch: expected path=value, such as schedule.epochs=50",
        "batch.size is x; expected a whole number (--set)",
        "model.heigth does not exist; did you mean model.height? (--set)",
        "precision is int8; expected float32, bfloat16 or auto (--set)",
        "masking.ratio is 1; expected a number above 0 and below 1",
      ])
  }

  @Test func `recipe of another command`() {
    #expect(
      Self.mistakes(recipe: "finetune-vit-large")
        == "finetune-vit-large is a recipe for learning from labels; run it with mae finetune or "
        + "mae scratch")
    #expect(throws: RecipeErrors.self) {
      try RecipeBooks.classification.resolve("demo-fashion-mnist")
    }
    #expect(throws: RecipeErrors.self) {
      try RecipeBooks.classification.resolve("default", settings: ["a=1"])
    }
  }

  @Test func `paper values`() throws {
    let large = try RecipeBooks.pretraining.entry(named: "paper-table8-vit-large").recipe
    #expect(large.peakLearningRate == 2.4e-3)
    #expect(large.schedule == .init(epochs: 1600, warmupEpochs: 40))
    #expect(
      large.optimizer == .init(baseLearningRate: 1.5e-4, beta1: 0.9, beta2: 0.95, weightDecay: 0.05)
    )
    #expect(large.data.scale == 0.2...1)
    let huge = try RecipeBooks.pretraining.entry(named: "paper-table8-vit-huge").recipe
    #expect(huge.model.grid.count == 256)
    #expect(huge.masking.kept(of: huge.model.grid) == 64)
  }
}
