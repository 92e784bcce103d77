@testable import FileSystem
@testable import RecipeSyntax
@testable import Recipes
@testable import Runs
import Datasets
import Imaging
import Testing

/// What fields of `data` mean for other parts of a recipe, and for a run that is gone on with.
@Suite struct PipelineTests {
  @Test func bytesDoNotHoldWhatErasingFillsIn() {
    var recipe = FinetuningRecipe(name: "erasing", regularization: .init(erasing: 0.25))
    let before = recipe.problems
    recipe.data.normalizeOnDevice = true
    let more = recipe.problems.filter { !before.contains($0) }
    #expect(more.map { "\($0.path)" } == ["data.normalizeOnDevice"])
    recipe.regularization.erasing = 0
    #expect(recipe.problems == before)
  }

  @Test func cachesAreNumbersOrAuto() throws {
    func recipe(_ setting: String) throws -> PretrainingRecipe {
      try PretrainingRecipe.tiny().changed(settings: [setting])
    }
    #expect(try recipe("data.cache=1.5").data.cache == .gigabytes(1.5))
    #expect(try recipe("data.cache=auto").data.cache == .auto)
    #expect(try recipe("data.cache=auto").yaml().contains("  cache: auto\n"))
    #expect(try recipe("data.cache=2").yaml().contains("  cache: 2\n"))
    let error = #expect(throws: RecipeErrors.self) { try recipe("data.cache=much") }
    #expect(
      error.map { "\($0)" }?.contains(
        "data.cache is much; expected a number of gigabytes, 0 for none, or auto") == true)
  }

  @Test func autoTakesWhatTheSetNeedsOrNothing() throws {
    let set = ToyDataset(images: (0..<500).map { TemporaryRun.picture($0, side: 100, channels: 3) })
    var pipeline = DataRecipe(normalization: .imageNet, cache: .auto)
    let transform = ImageTransform(
      .pretraining, size: PixelSize(width: 16, height: 16), normalization: .imageNet)
    // 15 MB of pixels: a tenth more and a tenth of a gigabyte, in tenths.
    let roomy = try pipeline.resolvingCache(for: set, transform, free: 400_000_000)
    #expect(roomy.pipeline.cache == .gigabytes(0.2) && roomy.warning == nil)
    let narrow = try pipeline.resolvingCache(for: set, transform, free: 390_000_000)
    #expect(narrow.pipeline.cache == .gigabytes(0))
    #expect(
      narrow.warning
        == "data.cache is auto, and no images are kept: decoded they would take about 15 MB, and half "
        + "of the memory that is free is 195 MB")
    pipeline.cache = .gigabytes(0.01)
    let part = try pipeline.resolvingCache(for: set, transform)
    #expect(part.pipeline == pipeline && part.warning?.contains("a part of the images") == true)
    pipeline.cache = .gigabytes(1e6)
    #expect(throws: RecipeErrors.self) { try pipeline.resolvingCache(for: set, transform) }
    pipeline.cache = .gigabytes(0)
    #expect(try pipeline.resolvingCache(for: set, transform).warning == nil)
    #expect(freeMemory() > 0)
  }

  @Test func aCacheMayChangeItsSizeAndNotItsBeing() throws {
    func resumed(_ kept: DataRecipe.Cache, _ wanted: DataRecipe.Cache, named: Bool = false) throws -> PretrainingRecipe
    {
      var (a, b) = (PretrainingRecipe.tiny(), PretrainingRecipe.tiny())
      (a.data.cache, b.data.cache) = (kept, wanted)
      return try a.resumed(with: b, recipeIsNamed: named)
    }
    #expect(try resumed(.gigabytes(1), .gigabytes(2)).data.cache == .gigabytes(2))
    #expect(try resumed(.gigabytes(1), .auto, named: true).data.cache == .gigabytes(1))
    #expect(try resumed(.gigabytes(0), .auto, named: true).data.cache == .gigabytes(0))
    for (kept, wanted) in [(0.0, 1.0), (1, 0)] {
      #expect(throws: RecipeErrors.self) { try resumed(.gigabytes(kept), .gigabytes(wanted)) }
    }
  }

  @Test func aCachedRunIsTheSameAndGoesOn() throws {
    let fixture = try TemporaryRun(images: 11)
    var recipe = PretrainingRecipe.tiny(steps: 9)
    try fixture.train(recipe, "plain")
    recipe.data.cache = .auto
    try fixture.train(recipe, "cached", stopAfter: 4)
    try fixture.train(recipe, "cached", .resume)
    #expect(try fixture.state("cached", step: 9) == fixture.state("plain", step: 9))
    #expect(try fixture.text("cached/recipe.yaml").contains("  cache: 0.2\n"))
  }
}
