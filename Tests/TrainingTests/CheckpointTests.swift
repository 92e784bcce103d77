import Foundation
import MaskedAutoencoders
import Testing
import Torch
import Training
@testable import FileSystem
@testable import Recipes
@testable import Runs

/// A checkpoint is whole or it is passed over.
@Suite struct CheckpointTests {
  /// What may have happened to a checkpoint.
  enum Damage: CustomTestStringConvertible {
    case missing(String)
    case truncated(String, Int)
    case replaced(String, String)

    var testDescription: String {
      switch self {
      case .missing(let file): "no \(file)"
      case .truncated(let file, let size): "\(file) cut at \(size)"
      case .replaced(let file, let text): "\(file) is \(text)"
      }
    }

    func apply(to checkpoint: String, in fixture: TemporaryRun) throws {
      switch self {
      case .missing(let file): try fixture.remove("\(checkpoint)/\(file)")
      case .truncated(let file, let size):
        let whole = try fixture.contents("\(checkpoint)/\(file)")
        let kept = size < 0 ? whole.count + size : size
        try fixture.write("\(checkpoint)/\(file)", [UInt8](whole.prefix(kept)))
      case .replaced(let file, let text): try fixture.write("\(checkpoint)/\(file)", text)
      }
    }
  }

  static let damages: [Damage] =
    ["weights.safetensors", "optimizer.safetensors"].flatMap { file in
      [0, 1, 7, 8, 9, 100, 2000, -4, -1].map { Damage.truncated(file, $0) }
    }
    + ["weights.safetensors", "optimizer.safetensors", "progress.json", "model.json"].map {
      .missing($0)
    }
    + ["progress.json", "model.json"].flatMap { file in
      ["", "{", "[]", "{}", "null", "{\"step\":\"ten\"}"].map { .replaced(file, $0) }
        + [.truncated(file, 20), .truncated(file, -3)]
    }

  @Test func `damaged ones are passed over`() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 10), "run")
    for damage in Self.damages {
      let name = damage.testDescription
      try fixture.copy("run", to: "damaged")
      try damage.apply(to: "damaged/checkpoints/step-10", in: fixture)
      let folder = try RunFolder(fixture("damaged"), .resume)
      let (found, skipped) = folder.latestCheckpoint()
      #expect(found?.path.hasSuffix("/step-5") == true, "\(name): \(found?.path ?? "none")")
      #expect(skipped.count == 1 && skipped[0].path.contains("/step-10/"), "\(name): \(skipped)")
    }
  }

  @Test func `runs go on from the last whole one`() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.train(.tiny(steps: 10), "run")
    let whole = try fixture.state("run", step: 10)
    try Damage.truncated("weights.safetensors", -1).apply(
      to: "run/checkpoints/step-10", in: fixture)
    let resumed = try fixture.train(.tiny(steps: 10), "run", .resume)
    #expect(resumed.startingStep == 5 && resumed.skippedCheckpoints.count == 1)
    #expect(try fixture.state("run", step: 10) == whole)
    #expect(try fixture.metrics("run").map(\.step) == Array(1...10))
    // None is whole: the run starts anew, and says what it found.
    for step in [5, 10] {
      try Damage.missing("progress.json").apply(to: "run/checkpoints/step-\(step)", in: fixture)
    }
    let anew = try fixture.train(.tiny(steps: 10), "run", .resume)
    #expect(anew.startingStep == 0 && anew.skippedCheckpoints.count == 2)
    #expect(try fixture.state("run", step: 10) == whole)
  }

  /// A checkpoint to be used only has no optimizer; it can be read, and not resumed.
  @Test func `old ones are replaced in one move`() throws {
    let fixture = try TemporaryRun()
    let description = ModelDescription(
      model: PretrainingRecipe.tiny().model, mean: [0], std: [1], masking: .random(ratio: 0.5))
    let checkpoint = Checkpoint(path: fixture("deep/er/checkpoint"))
    for value in [1.0, 2.0] {
      try checkpoint.write(description, weights: [("a", Tensor.full([2], value))])
      #expect(try checkpoint.weights()["a"]?.floats() == [Float(value), Float(value)])
      #expect(try checkpoint.description() == description)
    }
    #expect(fixture.names("deep/er") == ["checkpoint"])
    #expect(fixture.names("deep/er/checkpoint") == ["model.json", "weights.safetensors"])
    #expect(throws: FileError.self) { try checkpoint.verify() }
  }

  @Test func `weights are kept where what a resumed run needs cannot be written`() throws {
    let fixture = try TemporaryRun()
    let description = ModelDescription(
      model: PretrainingRecipe.tiny().model, mean: [0], std: [1], masking: .random(ratio: 0.5))
    let checkpoint = Checkpoint(path: fixture("checkpoint"))
    // A number that JSON cannot write fails as a full disk does.
    let progress = Checkpoint.Progress(step: 1, seed: 0, images: 1, epochs: .nan)
    #expect(throws: FileError.self) {
      try checkpoint.write(
        description, weights: [("a", Tensor.full([2], 3))],
        training: ([("m.a", Tensor.full([2], 4))], progress))
    }
    #expect(fixture.names("checkpoint") == ["model.json", "weights.safetensors"])
    #expect(try checkpoint.weights()["a"]?.floats() == [3, 3])
    #expect(fixture.names(".") == ["checkpoint"])
  }

  @Test func `folders that cannot be written`() throws {
    let fixture = try TemporaryRun(images: 8)
    try fixture.write("file", "a file")
    for path in ["file", "file/run", "/proc/no/run"] {
      let place = path.hasPrefix("/") ? path : fixture(path)
      let error = #expect(throws: FileError.self) { try RunFolder(place, .new) }
      #expect(error?.kind == .unwritable, "\(path): \(String(describing: error))")
    }
    #expect(try fixture.text("file") == "a file")
    // In the middle of a run.
    var steps = 0
    let error = #expect(throws: FileError.self) {
      try fixture.train(
        .tiny(steps: 15), "run",
        callbacks: [
          Watcher { report in
            steps = report.step
            if report.step == 8 {
              try FileManager.default.moveItem(
                atPath: fixture("run/checkpoints"), toPath: fixture("aside"))
              try fixture.write("run/checkpoints", "in the way")
            }
          }
        ])
    }
    #expect(steps == 10 && error?.kind == .unwritable, "\(String(describing: error))")
    #expect(error?.path.contains("checkpoints") == true)
    try Checkpoint(path: fixture("aside/step-5")).verify()
  }

  @Test func `only the newest are kept`() throws {
    let fixture = try TemporaryRun(images: 8)
    var seen: [[String]] = []
    try fixture.train(
      .tiny(steps: 10, saveEvery: 2, keep: 3), "run",
      callbacks: [Watcher(save: { _, _ in seen.append(fixture.names("run/checkpoints")) })])
    #expect(seen.last == ["step-10", "step-6", "step-8"])
    #expect(seen.map(\.count) == [1, 2, 3, 3, 3])
  }
}
