import Foundation
import Testing

/// Images that cannot be decoded: every command that reads many images leaves them out, names them
/// and has one option for how many they may be.
@Suite struct BrokenImageCommandTests {
  /// A run, a classifier, and labelled images; the first of each part of `classes` is broken.
  private func workplace() throws -> CommandSandbox {
    let sandbox = try CommandSandbox()
    try sandbox.writeClasses("whole")
    try sandbox.writeTinyRecipe()
    try sandbox.done("pretrain", "whole", "--recipe", "tiny.yaml", "--out", "run")
    try sandbox.done(
      "finetune", "run", "whole", "--out", "fine", "--set", "batch.size=4", "--set",
      "schedule.steps=1")
    try sandbox.copy(sandbox("whole"), to: "classes")
    try sandbox.write("classes/val/dark/6.png", "no picture")
    try sandbox.write("classes/train/dark/0.png", "no picture")
    return sandbox
  }

  /// What each command is called with; the option comes after it.
  private static let commands: [[String]] = [
    ["knn", "run", "classes", "--neighbours", "3"], ["probe", "run", "classes"],
    ["evaluate", "fine", "classes"],
    ["reconstruct", "run", "classes", "--score", "4", "--out", "sheet.png", "--overwrite"],
    ["data", "pack", "classes", "--out", "shards"],
    ["predict", "fine", "classes/val"],
    ["embed", "run", "classes/val", "--out", "x.npy", "--overwrite"],
  ]

  @Test func `one broken image is left out and named`() throws {
    let sandbox = try workplace()
    for command in Self.commands {
      let outcome = try sandbox.mae(command)
      #expect(outcome.status == 0, "\(command): \(outcome.transcript)")
      let isTraining = command[0] == "data"
      #expect(
        outcome.errors.contains("not decoded: ")
          && outcome.errors.contains(isTraining ? "dark/0.png: is text" : "dark/6.png: is text"),
        "\(command): \(outcome.transcript)")
    }
    #expect(try sandbox.contents("sheet.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try sandbox.text("run/results.json").contains("\"reconstruction\""))
  }

  @Test func `the limit can be lowered, and raised as the message says`() throws {
    let sandbox = try workplace()
    for command in Self.commands {
      if command[0] == "data" { try? FileManager.default.removeItem(atPath: sandbox("shards")) }
      let none = try sandbox.mae(command + ["--broken-limit", "0"])
      #expect(none.status == 65, "\(command): \(none.transcript)")
      #expect(
        none.errors.contains("images could not be decoded, 0 may be: ")
          && none.errors.contains("or raise the limit (--broken-limit)"),
        "\(command): \(none.transcript)")
    }
    #expect(!sandbox.exists("x.npy"))
    // Two are too many for a number or a set, unless more are allowed.
    try sandbox.write("classes/val/light/6.png", "no picture")
    try sandbox.write("classes/train/light/0.png", "no picture")
    for command in Self.commands {
      if command[0] == "data" { try? FileManager.default.removeItem(atPath: sandbox("shards")) }
      let outcome = try sandbox.mae(command)
      let marksEach = ["predict", "embed"].contains(command[0])
      #expect(outcome.status == (marksEach ? 0 : 65), "\(command): \(outcome.transcript)")
      let more = try sandbox.mae(command + ["--broken-limit", "0.5"])
      #expect(more.status == 0, "\(command): \(more.transcript)")
    }
    let wrong = try sandbox.mae("knn", "run", "classes", "--broken-limit", "2")
    #expect(wrong.status == 64 && wrong.errors.contains("expected a number from 0 to 1"))
  }

  /// A first picture that is broken costs neither the sheet nor the measurement.
  @Test func `pictures are drawn of those that can be decoded`() throws {
    let sandbox = try workplace()
    let named = try sandbox.mae(
      "reconstruct", "run", "classes", "--index", "0", "--out", "named.png", "--score", "4")
    #expect(named.status == 65 && !sandbox.exists("named.png"), "\(named.transcript)")
    let outcome = try sandbox.done(
      "reconstruct", "run", "classes", "--images", "2", "--out", "sheet.png", "--score", "4")
    #expect(outcome.output.contains("drew 2 images to sheet.png"), "\(outcome.output)")
    #expect(outcome.output.contains("mean squared error of hidden pixels (0…1), 3 images"))
    #expect(outcome.errors.components(separatedBy: "not decoded: ").count == 2, "\(outcome.errors)")
  }

  /// Commands that end at the same time write to the same file of results.
  @Test func `results of commands that run side by side are all kept`() throws {
    let sandbox = try CommandSandbox()
    try sandbox.pretrain()
    try sandbox.writeClasses("whole")
    let running = try (1...4).map {
      try sandbox.start(["knn", "run", "whole", "--neighbours", "\($0)"])
    }
    for process in running {
      let outcome = try process.wait()
      #expect(outcome.status == 0, "\(outcome.transcript)")
    }
    let results = try #require(
      try JSONSerialization.jsonObject(with: sandbox.contents("run/results.json"))
        as? [String: Any])
    let kept = try #require(results["knn"] as? [String: Any])
    #expect(kept.keys.sorted() == (1...4).map { "whole, k \($0)" })
  }
}
