import Datasets
import Imaging
import RecipeSyntax
import Recipes
import Testing

@testable import Training

/// `data.shuffle: lanes`.
@Suite struct LaneRecipeTests {
  private func mistakes(_ settings: String...) throws -> [String] {
    let recipe = try RecipeBooks.pretraining.entry(named: "default").recipe
    do {
      _ = try recipe.changed(settings: ["data.shuffle=lanes"] + settings)
      return []
    } catch {
      return error.mistakes.map(\.description)
    }
  }

  @Test func `a batch has as many images of each lane, in pairs`() throws {
    #expect(try mistakes("batch.size=128") == [])
    #expect(try mistakes("batch.size=96", "data.lanes=16") == [])
    #expect(try mistakes("batch.size=128", "data.lanes=32", "data.repeats=2") == [])
    #expect(
      try mistakes("batch.size=64") == [
        "data.lanes is 64, and batch.size 64 is no multiple of 128, two images of each lane; use fewer "
          + "lanes, or batch.size 128"
      ])
    #expect(
      try mistakes("batch.size=200", "data.lanes=16", "data.repeats=3") == [
        "data.lanes is 16, and batch.size 200 is no multiple of 96, two images of each lane and "
          + "data.repeats; use fewer lanes, or batch.size 192 or 288"
      ])
    #expect(try mistakes("data.lanes=0").count == 1)
  }

  @Test func `sets that cannot be cut are refused`() throws {
    var data = DataRecipe(normalization: .none, shuffle: .lanes, lanes: 8)
    let set = ToyDataset(images: (0..<6).map { TemporaryRun.picture($0) })
    func problem(_ dataset: any ImageDataset) -> String? {
      do {
        _ = try data.resolvingNormalization(from: dataset, named: "photos", channels: 1, seed: 0)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(
      problem(set)?.contains("data.lanes is 8, and photos has 6 images; use fewer") == true,
      "\(problem(set) ?? "")")
    data.lanes = 3
    #expect(problem(set) == nil)
    let mixture = InParts(set)
    #expect(
      problem(mixture)?.contains(
        "data.shuffle is lanes, which is for one set, and photos is a mixture of 2; use buffered")
        == true, "\(problem(mixture) ?? "")")
    data.shuffle = .exact
    #expect(problem(mixture) == nil)
  }

  /// A set in two parts that are drawn from apart.
  private struct InParts: ImageDataset {
    let base: any ImageDataset
    init(_ base: any ImageDataset) { self.base = base }
    var count: Int { base.count }
    var classes: [String]? { base.classes }
    var layout: DatasetLayout { DatasetLayout(parts: [.init(runs: [2]), .init(runs: [4])]) }
    func label(of index: Int) -> Int? { base.label(of: index) }
    func name(of index: Int) -> String { base.name(of: index) }
    func content(of index: Int) throws(ImageError) -> ImageContent { try base.content(of: index) }
  }
}
