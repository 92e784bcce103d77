import ArgumentParser
import Foundation
import Harness

/// How long training waits for data.
struct WaitProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "The part of a training's time that it waits for data.",
    discussion: """
      A tiny ViT (192 × 12, patch 16) pre-trains at 224 × 224: sixty steps of 64 images, as many \
      loader threads as cores. The figures are the run's own metrics.
      """)

  @Argument(help: "A folder of photographs, as `benchmarks photos` writes it.")
  var photos: String

  @OptionGroup var measured: MeasuredProgram

  private static let recipe = """
    base: default
    name: tiny
    model:
      encoder: {width: 192, depth: 12, heads: 3, mlpRatio: 4}
      decoder: {width: 128, depth: 2, heads: 4, mlpRatio: 4}
    batch: {size: 64}
    schedule: {epochs: 1, steps: 60, warmupEpochs: 1}
    checkpoints: {everyEpochs: null}
    logging: {everySteps: 20, reconstructionsEveryEpochs: null}
    """

  private struct Record: Decodable {
    let step: Int
    let imagesPerSecond: Double
    let dataWait: Double
  }

  func run() throws {
    let folder = try TemporaryFolder()
    let (recipe, run) = (folder.path + "/tiny.yaml", folder.path + "/run")
    try Data(Self.recipe.utf8).write(to: URL(fileURLWithPath: recipe))
    _ = try WholeProcess(
      measured.command(["pretrain", photos, "--out", run, "--recipe", recipe]))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    print(
      "wait: ViT 192 × 12 at 224 × 224, batch 64, from JPEG files, 60 steps; \(Machine.name)")
    let metrics = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    for line in metrics.split(separator: "\n") {
      let record = try decoder.decode(Record.self, from: Data(line.utf8))
      print(
        "  step \(record.step)   \(fixed(record.imagesPerSecond, 1)) images/s, "
          + "\(fixed(100 * record.dataWait, 2)) % of the time spent waiting for data")
    }
  }
}
