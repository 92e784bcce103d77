@testable import FileSystem
@testable import Recipes
@testable import Runs
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Testing
import Torch

@testable import Training

/// A folder with images and runs of a tiny model; gone when the test is over.
final class TemporaryRun: Sendable {
  let path = NSTemporaryDirectory() + "mae-training-\(UUID())"

  /// - Parameter images: Gray images of 16² pixels in `images/`.
  init(images: Int = 0) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for number in 0..<images {
      try write("images/\(number / 10)\(number % 10).png", Self.picture(number).encodedAsPNG())
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path below the folder.
  func callAsFunction(_ name: String) -> String { path + "/" + name }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let url = URL(fileURLWithPath: self(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func contents(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: self(name)))
  }

  func text(_ name: String) throws -> String { String(decoding: try contents(name), as: UTF8.self) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self(name)) }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: self(name)) }

  func copy(_ name: String, to other: String) throws {
    try? FileManager.default.removeItem(atPath: self(other))
    try FileManager.default.copyItem(atPath: self(name), toPath: self(other))
  }

  func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: self(folder))) ?? []).sorted()
  }

  static func picture(_ number: Int, side: Int = 16, channels: Int = 1) -> ByteImage {
    let pixels = (0..<side * side * channels).map { at in
      let (x, y) = (at / channels % side, at / channels / side)
      return UInt8(truncatingIfNeeded: x * (3 + number % 7) + y * (5 + number % 11) + number * 37)
    }
    return ByteImage(width: side, height: side, channels: channels, pixels: pixels)
  }

  /// Weights, moments and progress of a checkpoint, as bytes.
  func state(_ run: String, step: Int) throws -> [Data] {
    try ["weights.safetensors", "optimizer.safetensors", "progress.json", "model.json"].map {
      try contents("\(run)/checkpoints/step-\(step)/\($0)")
    }
  }

  func metrics(_ run: String) throws -> [MetricsRecord] {
    try MetricsLog.records(at: URL(fileURLWithPath: self(run) + "/metrics.jsonl"))
  }

  /// Trains on `images/`, as the program does.
  ///
  /// - Returns: What came of it; the run itself is let go, and with it the folder's lock.
  @discardableResult
  func train(
    _ recipe: PretrainingRecipe, _ out: String, _ opening: RunFolder.Opening = .new, stopAfter: Int? = nil,
    callbacks: [any TrainingCallback] = []
  ) throws -> Session {
    let run = try TrainingRun<PretrainingTask>(
      recipe, .init(data: self("images")), .init(out: self(out), opening: opening, stopAfter: stopAfter))
    let logger = try RunLogger(
      run.folder, resumingAfter: run.startingStep, stepsPerEpoch: run.stepsPerEpoch,
      epochs: run.epochs(run.totalSteps), everySteps: 1, logsGradientNorm: recipe.optimizer.clip != nil,
      terminal: .plain, sink: { _ in })
    _ = try run.run(callbacks: [logger] + callbacks)
    return Session(
      startingStep: run.startingStep, finishedStep: run.finishedStep, totalSteps: run.totalSteps,
      skippedCheckpoints: run.skippedCheckpoints, description: run.task.description)
  }
}

/// What one session of training did.
struct Session {
  var startingStep: Int
  var finishedStep: Int
  var totalSteps: Int
  var skippedCheckpoints: [FileError]
  var description: ModelDescription
}

extension PretrainingRecipe {
  /// A model of a few thousand weights that sees random parts of 16² pixels.
  static func tiny(
    steps: Int = 20, batch: Int = 4, accumulation: Int = 1, clip: Double? = nil,
    target: ReconstructionTarget = .pixels, saveEvery: Int = 5, keep: Int = 2
  ) -> PretrainingRecipe {
    PretrainingRecipe(
      name: "tiny", seed: 7,
      model: ModelConfiguration(
        height: 16, width: 16, channels: 1, patch: 4,
        encoder: TransformerShape(width: 16, depth: 1, heads: 2),
        decoder: TransformerShape(width: 16, depth: 1, heads: 2), target: target),
      data: .init(normalization: .given(mean: [0.5], std: [0.25]), workers: 1),
      optimizer: .pretraining(baseLearningRate: 0.05, clip: clip),
      batch: .init(size: batch, accumulation: accumulation),
      schedule: .init(epochs: 1, steps: steps, warmupEpochs: 1),
      checkpoints: .init(everyEpochs: nil, everySteps: saveEvery, keep: keep),
      logging: .init(everySteps: 1, reconstructionsEveryEpochs: nil))
  }
}

/// Images in memory, of any size, with or without classes.
struct ToyDataset: ImageDataset {
  var images: [ByteImage]
  var labels: [Int]?
  var broken: Set<Int> = []

  var count: Int { images.count }
  var classes: [String]? { labels.map { (0...($0.max() ?? 0)).map { "class \($0)" } } }
  func label(of index: Int) -> Int? { labels?[index] }
  func name(of index: Int) -> String { "image \(index)" }
  func content(of index: Int) throws(ImageError) -> ImageContent {
    if broken.contains(index) { throw ImageError(.corrupt, "is damaged on purpose") }
    return .pixels(images[index])
  }
}

/// Tells what happens in a run.
final class Watcher: TrainingCallback {
  private let onStep: (StepReport) throws -> Void
  private let onSave: (Checkpoint, Int) throws -> Void

  init(
    step: @escaping (StepReport) throws -> Void = { _ in },
    save: @escaping (Checkpoint, Int) throws -> Void = { _, _ in }
  ) {
    onStep = step
    onSave = save
  }

  func stepTaken(_ step: StepReport) throws { try onStep(step) }
  func checkpointSaved(_ checkpoint: Checkpoint, at step: Int) throws { try onSave(checkpoint, step) }
}
