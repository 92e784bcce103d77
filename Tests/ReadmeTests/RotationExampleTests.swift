import ArgumentParser
import FileSystem
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Testing
import Torch
import TorchNN
import Training

@testable import mae

/// CONTRIBUTING's kind of training, which is trained, resumed and validated as the program's own.
@Suite(.serialized) struct RotationExampleTests {
  /// A folder with images that are bright above and dark below, of 8 × 8 pixels.
  private struct Photos {
    let folder = NSTemporaryDirectory() + "mae-rotation-\(UUID())"

    init() throws {
      for (part, count) in [("train", 8), ("val", 3)] {
        let path = "\(folder)/photos/\(part)"
        try FileManager.default.createDirectory(
          atPath: path, withIntermediateDirectories: true)
        for number in 0..<count {
          try Data(Self.image(number, of: part).encodedAsPNG())
            .write(to: URL(fileURLWithPath: "\(path)/\(number).png"))
        }
      }
    }

    static func image(_ number: Int, of part: String) -> ByteImage {
      let salt = part == "val" ? 5 : 0
      return ByteImage(
        width: 8, height: 8, channels: 1,
        pixels: (0..<64).map { place in
          UInt8((7 - place / 8) * 28 + (place * (number + 3 + salt)) % 40)
        })
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// The words of a command that trains in a folder.
    func words(_ out: String, _ more: [String]) -> [String] {
      [
        "\(folder)/photos", "--out", "\(folder)/\(out)", "--device", "cpu",
        "--set", "model={height: 8, width: 8, channels: 1, patch: 4}",
        "--set", "model.encoder={width: 16, depth: 1, heads: 2}",
        "--set",
        "data={crop: none, flip: 0, normalization: {mean: [0.5], std: [0.25]}, workers: 1}",
        "--set", "optimizer.baseLearningRate=0.5", "--set", "batch.size=4",
        "--set", "schedule={steps: 24, warmupEpochs: 1}", "--set", "logging.validateEveryEpochs=4",
      ] + more
    }

    /// Runs `mae rotation` in this process, whose signals are as before afterwards.
    func rotation(_ out: String, _ more: String...) throws {
      defer { for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) } }
      var command = try RotationCommand.parse(words(out, more))
      try command.run()
    }

    func metrics(_ out: String) throws -> [MetricsRecord] {
      try MetricsLog.records(at: URL(fileURLWithPath: "\(folder)/\(out)/metrics.jsonl"))
        .filter { $0.values["validation_rotation_accuracy"] != nil }
    }
  }

  @Test func `the example kind learns, and a resumed run is the unbroken one`() throws {
    let photos = try Photos()
    defer { photos.remove() }
    try photos.rotation("whole")
    try photos.rotation("parts", "--stop-after", "11")
    #expect(RunFolder.checkpointSteps(in: photos.folder + "/parts").last == 11)
    #expect(try photos.metrics("parts").map(\.step) == [8])
    try photos.rotation("parts", "--resume")
    for file in ["weights.safetensors", "optimizer.safetensors", "model.json"] {
      let (whole, parts) = ["whole", "parts"].pair { run in
        FileManager.default.contents(
          atPath: "\(photos.folder)/\(run)/checkpoints/step-24/\(file)")
      }
      #expect(whole != nil && whole == parts, "\(file)")
    }
    // Validated during training and at the end; it has learned what it is for.
    for run in ["whole", "parts"] {
      let accuracies = try photos.metrics(run)
      #expect(accuracies.map(\.step) == [8, 16, 24])
      #expect(accuracies.last?.values["validation_rotation_accuracy"] == 1)
    }
    #expect(try photos.metrics("whole") == photos.metrics("parts"))
    // Its checkpoint is a model like any other: each image's rotation has the right name.
    let model = try LoadedModel(photos.folder + "/whole")
    let image = Photos.image(0, of: "val")
    var turned = image.pixels  // row by row
    for angle in ["0°", "90°", "180°", "270°"] {
      let content = ImageContent.pixels(
        ByteImage(width: 8, height: 8, channels: 1, pixels: turned))
      #expect(try model.classify(content).first?.label == angle)
      // Counter-clockwise: the first row of the next is the last column of this one.
      turned = (0..<64).map { turned[$0 % 8 * 8 + 7 - $0 / 8] }
    }
  }

  @Test func `no other kind resumes or replaces a run of the example kind`() throws {
    let photos = try Photos()
    defer { photos.remove() }
    try photos.rotation("run", "--stop-after", "1")
    let path = photos.folder + "/run"
    let before = FileManager.default.contents(atPath: path + "/run.json")
    func refusal(_ more: String) throws -> String {
      var command = try PretrainCommand.parse([
        photos.folder + "/photos", "--out", path, "--recipe", "small-images", more,
      ])
      let failure = #expect(throws: RunFailure.self) { try command.run() }
      #expect(failure?.kind == .refusedOutput)
      return failure?.description ?? ""
    }
    #expect(
      try refusal("--resume")
        == "\(path) is a run of rotation prediction, not a run of pre-training; resume it with "
        + "mae rotation, or name another folder with --out")
    #expect(
      try refusal("--overwrite")
        == "\(path) holds a run of rotation prediction and this is a run of pre-training, so it is "
        + "not overwritten; name another folder with --out")
    #expect(before != nil && FileManager.default.contents(atPath: path + "/run.json") == before)
  }

  @Test func `the example recipe has a field of its own and refuses what cannot be trained`() throws
  {
    let book = RecipeBooks.rotation
    let two = try book.resolve(settings: ["rotations=2"])
    #expect(two.rotations == 2)
    #expect(two.yaml().contains("\nrotations: 2\n"))
    let file = try RecipeFile(parsing: two.yaml(), source: "recipe.yaml")
    #expect(try book.standard.changed(by: file) == two)
    func mistakes(_ settings: String...) -> String {
      do throws(RecipeErrors) {
        _ = try book.resolve(settings: settings)
        return "accepted"
      } catch { return error.description }
    }
    #expect(mistakes("rotations=3") == "rotations is 3; expected 2 or 4")
    #expect(
      mistakes("rotation=2") == "rotation does not exist; did you mean rotations? (--set)")
    #expect(
      mistakes("model.width=64")
        == "model.width is 64 and model.height 32; rotated images must be square")
    #expect(mistakes("batch.size=0").hasPrefix("batch.size is 0; expected"))
    // A resumed run tells rotations apart that it began with.
    let failure = #expect(throws: RecipeErrors.self) {
      try book.standard.resumed(with: two, recipeIsNamed: false)
    }
    #expect(failure?.mistakes.map(\.path) == ["rotations"])
  }

  @Test(arguments: [2, 4])
  func `images are rotated counter-clockwise`(rotations: Int) throws {
    let photos = try Photos()
    defer { photos.remove() }
    var recipe = try RecipeBooks.rotation.resolve(
      settings: [
        "model={height: 8, width: 8, channels: 1, patch: 4}", "data.workers=1",
        "model.encoder={width: 16, depth: 1, heads: 2}",
        "data.normalization={mean: [0.5], std: [0.25]}",
      ])
    recipe.rotations = rotations
    let task = try RotationTask(
      recipe, RotationInputs(data: photos.folder + "/photos"), on: .cpu, isResumed: false)
    // 1 2    2 4    4 3    3 1
    // 3 4    1 3    2 1    4 2
    let (images, labels) = task.rotated(Tensor([1, 2, 3, 4] as [Float]).reshaped([1, 1, 2, 2]))
    let all: [[Float]] = [[1, 2, 3, 4], [2, 4, 1, 3], [4, 3, 2, 1], [3, 1, 4, 2]]
    let expected = rotations == 4 ? all : [all[0], all[2]]
    #expect(images.shape == [rotations, 1, 2, 2])
    #expect(images.floats() == expected.flatMap(\.self))
    #expect(labels.to(.float32).floats() == (0..<rotations).map(Float.init))
    #expect(task.description.classifier?.classNames.count == rotations)
  }
}

extension [String] {
  /// What two words lead to.
  fileprivate func pair<Result>(_ body: (String) -> Result) -> (Result, Result) {
    (body(self[0]), body(self[1]))
  }
}
