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
  private func fixture() throws -> TemporaryRun {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "name: old")
    try fixture.write("run/train.log", "old")
    try fixture.write("run/checkpoints/step-3/weights.safetensors", "old")
    return fixture
  }

  private func isAsItWas(_ fixture: TemporaryRun) throws -> Bool {
    try fixture.names("run") == [".lock", "checkpoints", "recipe.yaml", "train.log"]
      && fixture.names("run/checkpoints") == ["step-3"] && fixture.text("run/recipe.yaml") == "name: old"
      && fixture.text("run/train.log") == "old"
  }

  @Test func comesBackUnlessItIsLetGo() throws {
    let fixture = try fixture()
    do {
      let folder = try RunFolder(fixture("run"), .overwrite)
      #expect(fixture.names("run") == [".lock", ".replaced"] && folder.holdsReplaced)
      try fixture.write("run/recipe.yaml", "name: new")
      try fixture.write("run/metrics.jsonl", "new")
      withExtendedLifetime(folder) {}
    }
    #expect(try isAsItWas(fixture))
    do {
      let folder = try RunFolder(fixture("run"), .overwrite)
      try fixture.write("run/recipe.yaml", "name: new")
      folder.discardReplaced()
      #expect(!folder.holdsReplaced)
    }
    #expect(fixture.names("run") == [".lock", "recipe.yaml"])
    #expect(try fixture.text("run/recipe.yaml") == "name: new")
  }

  /// The states a killed process may leave.
  @Test(arguments: ["leaving", "new", "returning", "come back"])
  func killed(_ state: String) throws {
    let fixture = try fixture()
    func move(_ names: [String], to aside: String) throws {
      for name in names {
        try fixture.write("run/\(aside)/.keep", "")
        try FileManager.default.moveItem(
          atPath: fixture("run/\(name)"), toPath: fixture("run/\(aside)/\(name)"))
      }
      try fixture.remove("run/\(aside)/.keep")
    }
    switch state {
    case "leaving": try move(["recipe.yaml"], to: ".replacing")
    case "new":
      try move(["recipe.yaml", "checkpoints", "train.log"], to: ".replaced")
      try fixture.write("run/recipe.yaml", "name: new")
      try fixture.write("run/checkpoints/.writing-step-2-77/model.json", "half")
    case "returning":
      try move(["recipe.yaml", "checkpoints", "train.log"], to: ".replaced")
    default:
      try FileManager.default.createDirectory(
        atPath: fixture("run/.replacing"), withIntermediateDirectories: false)
    }
    if ["new", "returning"].contains(state) {
      let error = #expect(throws: RunFailure.self) { try LoadedModel(fixture("run")) }
      #expect(error?.message.contains("run/.replaced") == true, "\(error as Any)")
    }
    // Whoever comes next finds the run, and is refused, goes on or begins again as ever.
    let refused = #expect(throws: RunFailure.self) { try RunFolder(fixture("run"), .new) }
    #expect(refused?.message.contains("already holds a run") == true)
    #expect(try isAsItWas(fixture), "\(fixture.names("run"))")
    #expect(try !RunFolder.putBackReplaced(in: fixture("run")))
    #expect(try RunFolder(fixture("run"), .resume).heldRun)
  }

  @Test func aFolderInUseIsLeftAlone() throws {
    let fixture = try fixture()
    let folder = try RunFolder(fixture("run"), .overwrite)
    try fixture.write("run/recipe.yaml", "name: new")
    #expect(try !RunFolder.putBackReplaced(in: fixture("run")))
    for opening in [RunFolder.Opening.overwrite, .resume] {
      #expect(throws: RunFailure.self) { try RunFolder(fixture("run"), opening) }
    }
    #expect(folder.holdsReplaced)
    #expect(try fixture.text("run/recipe.yaml") == "name: new")
  }

  @Test func aFailedRunLosesNothing() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 5), "run")
    let before = try fixture.state("run", step: 5) + [fixture.contents("run/metrics.jsonl")]
    /// From a step on, no checkpoint can be written.
    func failing(after step: Int) throws {
      let checkpoints = fixture("run/checkpoints")
      _ = #expect(throws: FileError.self) {
        try fixture.train(
          .tiny(steps: 9), "run", .overwrite,
          callbacks: [
            Watcher { report in
              guard report.step == step else { return }
              try? FileManager.default.moveItem(atPath: checkpoints, toPath: fixture("aside"))
              try fixture.write("run/checkpoints", "a file")
            }
          ])
      }
      guard fixture.exists("aside") else { return }
      try fixture.remove("run/checkpoints")
      try FileManager.default.moveItem(atPath: fixture("aside"), toPath: checkpoints)
    }
    try failing(after: 4)
    #expect(try fixture.state("run", step: 5) + [fixture.contents("run/metrics.jsonl")] == before)
    #expect(fixture.names("run").filter { $0.hasPrefix(".") } == [".lock"])
    try failing(after: 6)
    #expect(try fixture.state("run", step: 5) != before)
    #expect(try fixture.metrics("run").count == 9)
    #expect(fixture.names("run").filter { $0.hasPrefix(".") } == [".lock"])
  }

  @Test func aLossThatIsNotFiniteLosesNothing() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 5), "run")
    let before = try fixture.state("run", step: 5)
    var wild = PretrainingRecipe.tiny(steps: 9)
    wild.optimizer.baseLearningRate = 1e38
    wild.schedule.warmupEpochs = 0
    let failure = #expect(throws: RunFailure.self) { try fixture.train(wild, "run", .overwrite) }
    #expect(failure?.kind == .notFinite)
    #expect(try fixture.state("run", step: 5) == before)
    // What the message names is there.
    let record = try #require(fixture.names("run").first { $0.hasPrefix("not-finite-step-") })
    #expect(failure?.message.contains("run/" + record) == true)
  }
}
