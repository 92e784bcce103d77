import ArgumentParser
import Foundation
import Harness

/// How long training waits for data.
struct WaitProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "The part of a training's time that it waits for data.",
    discussion: """
      A tiny ViT (192 × 12, patch 16) at 224 × 224 is pre-trained, and then trained as a classifier \
      with RandAugment, erasing, mixup and CutMix: sixty steps of 64 images each, as many loader \
      threads as cores. The figures are the runs' own metrics.
      """)

  @Argument(help: "A folder of photographs, as `benchmarks photos` writes it.")
  var photos: String

  @OptionGroup var measured: MeasuredProgram

  /// Of both recipes.
  private static let length = """
    batch: {size: 64}
    schedule: {epochs: 1, steps: 60, warmupEpochs: 1}
    """

  private static let encoder = "{width: 192, depth: 12, heads: 3, mlpRatio: 4}"

  private static let pretraining = """
    base: default
    name: tiny
    model:
      encoder: \(encoder)
      decoder: {width: 128, depth: 2, heads: 4, mlpRatio: 4}
    checkpoints: {everyEpochs: null}
    logging: {everySteps: 20, reconstructionsEveryEpochs: null}
    \(length)
    """

  private static let classifying = """
    base: paper-table11-scratch-vit-base
    name: tiny-classifier
    model:
      encoder: \(encoder)
    regularization: {randAugment: 9, erasing: 0.25, mixup: 0.8, cutmix: 1}
    ema: null
    checkpoints: {everyEpochs: null}
    logging: {everySteps: 20}
    \(length)
    """

  private struct Record: Decodable {
    let step: Int
    let imagesPerSecond: Double
    let dataWait: Double
  }

  func run() throws {
    let folder = try TemporaryFolder()
    func write(_ text: String, to name: String) throws -> String {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path + "/" + name))
      return folder.path + "/" + name
    }
    print("wait: ViT 192 × 12 at 224 × 224, batch 64, from JPEG files, 60 steps; \(Machine.name)")
    let recipe = try write(Self.pretraining, to: "tiny.yaml")
    let out = folder.path + "/run"
    _ = try WholeProcess(measured.command(["pretrain", photos, "--out", out, "--recipe", recipe]))
    try report("pre-training", of: out)

    let photos = URL(fileURLWithPath: photos).standardizedFileURL.path
    let labels = try FileManager.default.contentsOfDirectory(atPath: photos).sorted()
      .filter { $0.hasSuffix(".jpg") }.enumerated()
      .map { "\(photos)/\($1),\($0 % 10)" }
    let list = try write("image,label\n" + labels.joined(separator: "\n") + "\n", to: "labels.csv")
    let scratchRecipe = try write(Self.classifying, to: "classifier.yaml")
    let classifier = folder.path + "/classifier"
    _ = try WholeProcess(
      measured.command(["scratch", list, "--out", classifier, "--recipe", scratchRecipe]))
    try report("classifying, RandAugment and erasing", of: classifier)
  }

  private func report(_ training: String, of run: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let metrics = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    for line in metrics.split(separator: "\n") {
      guard let record = try? decoder.decode(Record.self, from: Data(line.utf8)) else { continue }
      print(
        "  \(training), step \(record.step)   \(fixed(record.imagesPerSecond, 1)) images/s, "
          + "\(fixed(100 * record.dataWait, 2)) % of the time spent waiting for data")
    }
  }
}
