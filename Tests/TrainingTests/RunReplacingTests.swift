import FileSystem
import Foundation
import Testing
import Torch
import Training
@testable import Inference
@testable import Recipes
@testable import Runs

/// A run that is replaced is there until its follower has something to show.
@Suite struct RunReplacingTests {

  /// A folder with a run of three files.
  private func shop() throws -> Workshop {
    let shop = try Workshop()
    try shop.write("run/recipe.yaml", "name: old")
    try shop.write("run/train.log", "old")
    try shop.write("run/checkpoints/step-3/weights.safetensors", "old")
    return shop
  }

  private func isAsItWas(_ shop: Workshop) throws -> Bool {
    try shop.names("run") == [".lock", "checkpoints", "recipe.yaml", "train.log"]
      && shop.names("run/checkpoints") == ["step-3"] && shop.text("run/recipe.yaml") == "name: old"
      && shop.text("run/train.log") == "old"
  }

  @Test func comesBackUnlessItIsLetGo() throws {
    let shop = try shop()
    do {
      let folder = try RunFolder(shop("run"), .overwrite)
      #expect(shop.names("run") == [".lock", ".replaced"] && folder.holdsReplaced)
      try shop.write("run/recipe.yaml", "name: new")
      try shop.write("run/metrics.jsonl", "new")
      withExtendedLifetime(folder) {}
    }
    #expect(try isAsItWas(shop))
    do {
      let folder = try RunFolder(shop("run"), .overwrite)
      try shop.write("run/recipe.yaml", "name: new")
      folder.discardReplaced()
      #expect(!folder.holdsReplaced)
    }
    #expect(shop.names("run") == [".lock", "recipe.yaml"])
    #expect(try shop.text("run/recipe.yaml") == "name: new")
  }

  /// The states a killed process may leave.
  @Test(arguments: ["leaving", "new", "returning", "come back"])
  func killed(_ state: String) throws {
    let shop = try shop()
    func move(_ names: [String], to aside: String) throws {
      for name in names {
        try shop.write("run/\(aside)/.keep", "")
        try FileManager.default.moveItem(
          atPath: shop("run/\(name)"), toPath: shop("run/\(aside)/\(name)"))
      }
      try shop.remove("run/\(aside)/.keep")
    }
    switch state {
    case "leaving": try move(["recipe.yaml"], to: ".replacing")
    case "new":
      try move(["recipe.yaml", "checkpoints", "train.log"], to: ".replaced")
      try shop.write("run/recipe.yaml", "name: new")
      try shop.write("run/checkpoints/.writing-step-2-77/model.json", "half")
    case "returning":
      try move(["recipe.yaml", "checkpoints", "train.log"], to: ".replaced")
    default:
      try FileManager.default.createDirectory(
        atPath: shop("run/.replacing"), withIntermediateDirectories: false)
    }
    if ["new", "returning"].contains(state) {
      let error = #expect(throws: RunFailure.self) { try LoadedModel(shop("run")) }
      #expect(error?.message.contains("run/.replaced") == true, "\(error as Any)")
    }
    // Whoever comes next finds the run, and is refused, goes on or begins again as ever.
    let refused = #expect(throws: RunFailure.self) { try RunFolder(shop("run"), .new) }
    #expect(refused?.message.contains("already holds a run") == true)
    #expect(try isAsItWas(shop), "\(shop.names("run"))")
    #expect(try !RunFolder.putBackReplaced(in: shop("run")))
    #expect(try RunFolder(shop("run"), .resume).heldRun)
  }

  @Test func aFolderInUseIsLeftAlone() throws {
    let shop = try shop()
    let folder = try RunFolder(shop("run"), .overwrite)
    try shop.write("run/recipe.yaml", "name: new")
    #expect(try !RunFolder.putBackReplaced(in: shop("run")))
    for opening in [RunFolder.Opening.overwrite, .resume] {
      #expect(throws: RunFailure.self) { try RunFolder(shop("run"), opening) }
    }
    #expect(folder.holdsReplaced)
    #expect(try shop.text("run/recipe.yaml") == "name: new")
  }

  @Test func aFailedRunLosesNothing() throws {
    let shop = try Workshop(images: 8)
    try shop.train(.tiny(steps: 5), "run")
    let before = try shop.state("run", step: 5) + [shop.contents("run/metrics.jsonl")]
    /// From a step on, no checkpoint can be written.
    func failing(after step: Int) throws {
      let checkpoints = shop("run/checkpoints")
      _ = #expect(throws: FileError.self) {
        try shop.train(
          .tiny(steps: 9), "run", .overwrite,
          callbacks: [
            Watcher { report in
              guard report.step == step else { return }
              try? FileManager.default.moveItem(atPath: checkpoints, toPath: shop("aside"))
              try shop.write("run/checkpoints", "a file")
            }
          ])
      }
      guard shop.exists("aside") else { return }
      try shop.remove("run/checkpoints")
      try FileManager.default.moveItem(atPath: shop("aside"), toPath: checkpoints)
    }
    try failing(after: 4)
    #expect(try shop.state("run", step: 5) + [shop.contents("run/metrics.jsonl")] == before)
    #expect(shop.names("run").filter { $0.hasPrefix(".") } == [".lock"])
    try failing(after: 6)
    #expect(try shop.state("run", step: 5) != before)
    #expect(try shop.metrics("run").count == 9)
    #expect(shop.names("run").filter { $0.hasPrefix(".") } == [".lock"])
  }

  @Test func aLossThatIsNotFiniteLosesNothing() throws {
    let shop = try Workshop(images: 8)
    try shop.train(.tiny(steps: 5), "run")
    let before = try shop.state("run", step: 5)
    var wild = PretrainingRecipe.tiny(steps: 9)
    wild.optimizer.baseLearningRate = 1e38
    wild.schedule.warmupEpochs = 0
    let failure = #expect(throws: RunFailure.self) { try shop.train(wild, "run", .overwrite) }
    #expect(failure?.kind == .notFinite)
    #expect(try shop.state("run", step: 5) == before)
    // What the message names is there.
    let record = try #require(shop.names("run").first { $0.hasPrefix("not-finite-step-") })
    #expect(failure?.message.contains("run/" + record) == true)
  }
}
