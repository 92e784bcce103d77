import Datasets
import Figures
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import TensorFiles
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim
import Training
import WeightExchange

/// The worked examples of CONTRIBUTING.md, which pass what is asked of such code.
@Suite struct ContributingExampleTests {
  @Test(arguments: [
    "SpotMasking.swift", "CodeTarget.swift", "STLDataset.swift", "RotationRecipe.swift",
    "RotationTask.swift", "RotationCommand.swift", "Lion.swift",
  ])
  func `CONTRIBUTING shows the code that is tested here`(file: String) throws {
    let code = try Texts.text("Tests/ReadmeTests/\(file)")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let blocks = Texts.blocks("swift", in: try Texts.text("CONTRIBUTING.md"))
    #expect(blocks.contains(code), "CONTRIBUTING.md has no block equal to \(file)")
  }

  @Test func `the diffs fit the files they change`() throws {
    let diffs = Texts.blocks("diff", in: try Texts.text("CONTRIBUTING.md"))
    // The promise of the recipes: files of one's own, and one line in each of the lists here.
    let lists = [
      "MaskingStrategies", "PatchTargets", "DatasetFormat", "RecipeBook", "MAE", "OptimizerKind",
    ]
    #expect(diffs.count == lists.count)
    for name in lists {
      let own = diffs.filter { $0.contains("/\(name).swift") }
      #expect(own.count == 1)
      #expect(own.first?.split(separator: "\n").filter { $0.hasPrefix("+ ") }.count == 1)
    }
    for diff in diffs { try Texts.expectFits(diff) }
  }

  @Test(arguments: [0.25, 0.5, 0.75], [1, 2.5])
  func `the example strategy is a masking strategy`(ratio: Double, elongation: Double) {
    var strategy = SpotMasking()
    (strategy.ratio, strategy.elongation) = (ratio, elongation)
    var checker = MaskingStrategyChecker(strategy) { Int(Double($0.count) * (1 - ratio)) }
    checker.isUniform = false  // the middle is hidden more often than the corners
    checker.check()
  }

  @Test(arguments: [2, 7])
  func `the example target is a reconstruction target`(count: Int) {
    var target = CodeTarget()
    target.count = count
    ReconstructionTargetChecker(target).check()
  }

  /// Two steps by hand: signs of means, decay, and a state that is taken up again.
  @Test func `the example optimizer takes steps and is resumed`() throws {
    let weight = Tensor([1, -2] as [Float])
    func lion() -> any Optimizer {
      OptimizerKind.lion.makeOptimizer(
        [ParameterGroup([("w", weight)], weightDecay: 0.5)], beta1: 0.5, beta2: 0.5)
    }
    let first = lion()
    weight.gradient = Tensor([4, -0.1] as [Float])
    first.step(learningRate: 0.1)  // 1·0.95 − 0.1 and −2·0.95 + 0.1
    #expect(zip(weight.floats(), [0.85, -1.8]).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    let second = lion()
    try second.restore(
      Dictionary(uniqueKeysWithValues: first.state.map { ($0.name, $0.tensor.cloned()) }), steps: 1)
    // The means are 2 and −0.05: against −1 the first stays positive, against 1 the second does not.
    weight.gradient = Tensor([-1, 1] as [Float])
    second.step(learningRate: 0.1)
    #expect(zip(weight.floats(), [0.7075, -1.81]).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    #expect(second.steps == 2)
    OptimizerKind.$added.withValue([.lion]) {
      #expect(mistakes("optimizer.kind=lion") == "accepted")
    }
    #expect(
      mistakes("optimizer.kind=lio")
        == "optimizer.kind is lio; expected adamw, lars or sgd (--set)")
  }

  @Test func `the example data set reads its records`() throws {
    let path = NSTemporaryDirectory() + "mae-stl-\(UUID())_X.bin"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var image = [UInt8](repeating: 0, count: 3 * 96 * 96)
    // Row 0, column 1 is the second column's first byte.
    (image[96], image[96 * 96 + 96], image[2 * 96 * 96 + 96]) = (1, 2, 3)
    try Data(image + image).write(to: URL(fileURLWithPath: path))
    // The line that CONTRIBUTING adds to the list, in its place.
    let formats = DatasetFormats.all.flatMap { format -> [any DatasetFormat] in
      format.name == "an IDX file or folder" ? [format, STLFormat()] : [format]
    }
    let set = try openDataset(at: path, DatasetRequest(formats: formats))
    #expect(set is STLDataset)
    checkImageDataset(set)
    #expect(set.count == 2)
    #expect(set.classes == nil && set.label(of: 0) == nil)
    #expect(try Array(set.image(at: 1).pixels.prefix(9)) == [0, 0, 0, 1, 2, 3, 0, 0, 0])

    try Data(image.dropLast()).write(to: URL(fileURLWithPath: path))
    #expect(throws: DatasetError.self) {
      try openDataset(at: path, DatasetRequest(formats: formats))
    }
    // Without the line the file is none of those that are read.
    #expect(throws: DatasetError.self) { try openDataset(at: path) }
  }

  // MARK: from the recipe to the picture

  /// What is wrong with settings on the recipe for small images.
  private func mistakes(_ settings: String...) -> String {
    do throws(RecipeErrors) {
      _ = try RecipeBooks.pretraining.resolve("small-images", settings: settings)
      return "accepted"
    } catch { return error.description }
  }

  @Test func `the example strategy is found by its name with its parameter`() throws {
    try MaskingStrategies.$added.withValue([SpotMasking.self]) {
      let recipe = try RecipeBooks.pretraining.resolve(
        "small-images",
        settings: ["masking.strategy=spot", "masking.elongation=2", "masking.ratio=0.5"])
      var expected = SpotMasking()
      (expected.ratio, expected.elongation) = (0.5, 2)
      #expect(recipe.masking == Masking(expected))
      #expect(
        recipe.yaml().contains("masking:\n  strategy: spot\n  ratio: 0.5\n  elongation: 2\n"))
      // In whatever order a file has them; and back again, the parameter is gone.
      let file = try RecipeFile(
        parsing: "masking: {elongation: 2, ratio: 0.5, strategy: spot}", source: "spot.yaml")
      let other = try RecipeBooks.pretraining.resolve("small-images").changed(by: file)
      #expect(other.masking == recipe.masking)
      let random = try recipe.changed(settings: ["masking.strategy=random"])
      #expect(random.masking == .random(ratio: 0.5))
      #expect(
        mistakes("masking.strategy=sport")
          == "masking.strategy is sport; expected random, block, grid or spot; "
          + "did you mean spot? (--set)")
      #expect(
        mistakes("masking.strategy=spot", "masking.elongtion=2")
          == "masking.elongtion does not exist; did you mean masking.elongation? (--set)")
      #expect(
        mistakes("masking.strategy=spot", "masking.elongation=tall")
          == "masking.elongation is tall; expected a number (--set)")
      #expect(
        mistakes("masking={strategy: spot, elongation: 0}")
          == "masking.elongation is 0.0; expected a number above 0")
      #expect(
        mistakes("masking.elongation=2")
          == "masking.elongation does not exist; masking has strategy and ratio (--set)")
    }
    #expect(
      mistakes("masking.strategy=spot")
        == "masking.strategy is spot; expected random, block or grid (--set)")
  }

  @Test func `the example target is found by its name with its parameter`() throws {
    try PatchTargets.$added.withValue([CodeTarget.self]) {
      let recipe = try RecipeBooks.pretraining.resolve(
        "small-images", settings: ["model.target=codes", "model.target.count=64"])
      var expected = CodeTarget()
      expected.count = 64
      #expect(recipe.model.target == ReconstructionTarget(expected))
      #expect(recipe.yaml().contains("  target:\n    name: codes\n    count: 64\n"))
      let file = try RecipeFile(
        parsing: "model: {target: {name: codes, count: 64}}", source: "codes.yaml")
      let other = try RecipeBooks.pretraining.resolve("small-images").changed(by: file)
      #expect(other.model.target == recipe.model.target)
      #expect(try recipe.changed(settings: ["model.target=pixels"]).model.target == .pixels)
      #expect(
        mistakes("model.target=code")
          == "model.target is code; expected pixels, normalized-pixels, pca, tokens or codes; "
          + "did you mean codes? (--set)")
      #expect(
        mistakes("model.target={name: code}")
          == "model.target.name is code; expected pixels, normalized-pixels, pca, tokens or codes; "
          + "did you mean codes? (--set)")
      #expect(
        mistakes("model.target={name: codes, cuont: 3}")
          == "model.target.cuont does not exist; did you mean model.target.count? (--set)")
      #expect(
        mistakes("model.target=codes", "model.target.count=1")
          == "model.target.count is 1; expected a whole number from 2 to 65536")
    }
  }

  /// Trains a small model for two steps on pictures in a folder.
  private func train(_ settings: [String], in folder: String) throws -> LoadedModel {
    try FileManager.default.createDirectory(
      atPath: folder + "/photos", withIntermediateDirectories: true)
    for index in 0..<4 {
      let image = ByteImage(
        width: 16, height: 16, channels: 1,
        pixels: (0..<256).map { UInt8(($0 * (index + 3)) % 251) })
      try Data(image.encodedAsPNG()).write(
        to: URL(fileURLWithPath: "\(folder)/photos/\(index).png"))
    }
    let recipe = try RecipeBooks.pretraining.resolve(
      "small-images",
      settings: [
        "model={height: 16, width: 16, channels: 1, patch: 4}",
        "model.encoder={width: 16, depth: 1, heads: 2}",
        "model.decoder={width: 8, depth: 1, heads: 2}", "batch.size=4", "schedule.steps=2",
        "data.normalization={mean: [0.5], std: [0.25]}", "data.workers=1",
      ] + settings)
    let run = try TrainingRun<PretrainingTask>(
      recipe, PretrainingInputs(data: folder + "/photos"), .init(out: folder + "/run"))
    #expect(try run.task.pictures(epoch: 0).count == 1)
    _ = try run.run(callbacks: [])
    return try LoadedModel(folder + "/run")
  }

  private func temporaryFolder() -> String { NSTemporaryDirectory() + "mae-seams-\(UUID())" }

  @Test func `the example strategy trains, is kept and draws pictures`() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try MaskingStrategies.$added.withValue([SpotMasking.self]) {
      let model = try train(["masking.strategy=spot", "masking.elongation=3"], in: folder)
      var expected = SpotMasking()
      expected.elongation = 3
      #expect(model.description.masking == Masking(expected))
      let set = try openDataset(at: folder + "/photos")
      var reconstruction = try Reconstruction(model)
      let spots = try reconstruction.sheet(of: set, [0], ratios: [0.5], seed: 1)
      reconstruction.masking = .random()
      let random = try reconstruction.sheet(of: set, [0], ratios: [0.5], seed: 1)
      #expect(spots.rows[0].tiles[0] == random.rows[0].tiles[0])
      #expect(spots.rows[0].tiles[1] != random.rows[0].tiles[1])
      // Weights that go out and come back, as for other images, keep the strategy.
      try model.published.write(to: folder + "/out.safetensors", as: .original)
      #expect(
        try LoadedModel(folder + "/out.safetensors").description.masking == Masking(expected))
    }
    #expect(throws: (any Error).self, "an unknown strategy") { try LoadedModel(folder + "/run") }
  }

  @Test func `the example target trains and its codes are in the checkpoint`() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try PatchTargets.$added.withValue([CodeTarget.self]) {
      let model = try train(["model.target=codes", "model.target.count=24"], in: folder)
      let autoencoder = try model.autoencoder()
      #expect(autoencoder.parameters["decoder_pred.weight"]?.shape == [24, 8])
      let codes = try #require(autoencoder.parameters["decoder_target.codes"])
      #expect(codes.shape == [24, 16])
      // Drawn with the first weights, and not trained.
      let weights = try SafetensorsFile(
        folder + "/run/checkpoints/step-2/weights.safetensors")
      expectEqual(try weights.tensor("decoder_target.codes"), codes)
      #expect(codes.abs().max().item() > 0.5)
      #expect(!model.store.trainable.contains { $0.name == "decoder_target.codes" })
      // A picture is made of codes.
      let set = try openDataset(at: folder + "/photos")
      let sheet = try Reconstruction(model).sheet(of: set, [0], ratios: [0.5], seed: 1)
      #expect(sheet.footer == [PictureSheet.inventedNotice])
      // Other programs' autoencoders predict pixels; ours comes back whole.
      let failure = #expect(throws: PublishedWeightsError.self) {
        try model.published.write(to: folder + "/hf", as: .huggingFace)
      }
      #expect("\(failure.map { "\($0)" } ?? "")".contains("predicts codes"))
      try model.published.write(to: folder + "/out.safetensors", as: .original)
      let back = try LoadedModel(folder + "/out.safetensors")
      #expect(back.description.model == model.description.model)
      expectEqual(try #require(back.store["decoder_target.codes"]), codes)
    }
  }
}
