import Testing

@testable import Training

/// What fields of `data` mean for other parts of a recipe.
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
}
