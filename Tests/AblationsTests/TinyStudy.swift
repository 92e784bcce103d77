import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Recipes
import Runs
import TestSupport
import Torch
import TorchOptim

@testable import Ablations

/// A folder with a few labelled pictures, and ablations of a tiny model on them.
final class TinyStudy {
  let folder = TemporaryFolder()

  init(labels: Bool = true) throws {
    for (part, count) in [("train", 8), ("val", 4)] {
      for (name, level) in [("bright", 180), ("dark", 20)] {
        for number in 0..<count {
          let step = number + (part == "val" ? 20 : 3)
          let pixels = (0..<256).map { UInt8(level + ($0 * step + number * 11) % 50) }
          let place = folder["images/\(part)" + (labels ? "/\(name)" : "")]
          try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true)
          let png = try ByteImage(width: 16, height: 16, channels: 1, pixels: pixels)
            .encodedAsPNG()
          try Data(png).write(to: URL(fileURLWithPath: "\(place)/\(name)\(number).png"))
        }
      }
    }
  }

  /// Images of 16², a decoder of one block, some steps of each training.
  static let scale: AblationScale = {
    let pretraining = PretrainingRecipe(
      name: "tiny",
      model: ModelConfiguration(
        height: 16, width: 16, channels: 1, patch: 4,
        encoder: TransformerShape(width: 16, depth: 2, heads: 2),
        decoder: TransformerShape(width: 8, depth: 1, heads: 2), target: .pixels),
      data: .init(normalization: .given(mean: [0.5], std: [0.25]), workers: 1),
      optimizer: .pretraining(baseLearningRate: 0.05), batch: .init(size: 4),
      schedule: .init(epochs: 1, steps: 6, warmupEpochs: 0.5),
      checkpoints: .init(everyEpochs: nil, everySteps: 2, keep: 1),
      logging: .init(everySteps: 2, reconstructionsEveryEpochs: nil))
    let finetuning = FinetuningRecipe(
      name: "tiny-classifier", regularization: .none,
      data: .init(normalization: .inherited, workers: 1),
      optimizer: .init(kind: .adamw, baseLearningRate: 0.1), batch: .init(size: 4),
      schedule: .init(epochs: 1, steps: 4, warmupEpochs: 0.5),
      checkpoints: .init(everyEpochs: nil, everySteps: 2, keep: 1))
    var scratch = finetuning
    scratch.data.normalization = .given(mean: [0.5], std: [0.25])
    var contrastive = ContrastiveRecipe(
      name: "tiny-contrastive", heads: .init(hidden: 16, output: 8),
      data: .init(normalization: .given(mean: [0.5], std: [0.25]), workers: 1),
      batch: .init(size: 4), schedule: .init(epochs: 1, steps: 3, warmupEpochs: 0.5))
    contrastive.checkpoints = .init(everyEpochs: nil, keep: 1)
    let tokenizer = TokenizerRecipe(
      name: "tiny-tokenizer",
      model: .init(
        height: 16, width: 16, channels: 1, groups: 3, blocks: 1, hiddenWidth: 4, initialWidth: 4,
        vocabulary: 8),
      data: .init(normalization: .none, workers: 1), batch: .init(size: 4),
      schedule: .init(epochs: 1, steps: 2, warmupEpochs: 0.5),
      checkpoints: .init(everyEpochs: nil, keep: 1))
    return AblationScale(
      "tiny", purpose: "a test", pretraining: pretraining, tokenizer: tokenizer,
      contrastive: contrastive,
      finetuning: finetuning, scratch: scratch, probe: .exact(images: nil),
      decoderDepths: [1, 2, 3], lengths: [0.5, 1], partialBlocks: [0, 0.5])
  }()

  func settings(
    _ out: String = "out", seeds: Int = 1, rows: [String] = [],
    measures: Set<AblationMeasure> = Set(AblationMeasure.allCases), changes: [String] = []
  ) -> AblationPlan.Settings {
    AblationPlan.Settings(
      out: folder[out], data: folder["images"], named: ("images", nil), seeds: seeds, rows: rows,
      measures: measures, changes: changes)
  }

  func plan(
    _ ablation: Ablation = .decoderDepth, _ settings: AblationPlan.Settings
  ) throws -> AblationPlan {
    try AblationPlan(ablation, at: Self.scale, settings)
  }

  /// Runs an ablation; gives its results and the lines that were printed.
  @discardableResult
  func run(
    _ ablation: Ablation = .decoderDepth, _ settings: AblationPlan.Settings,
    shouldStop: @escaping () -> Bool = { false }
  ) throws -> (results: AblationResults, lines: [String]) {
    var printed = ""
    let context = StepContext(print: { printed += $0 }, shouldStop: shouldStop)
    let results = try AblationRun(try plan(ablation, settings), context).run()
    return (results, printed.split(separator: "\n").map(String.init))
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder[name], encoding: .utf8)
  }
}

/// A number of calls after which a run is asked to stop.
final class Patience {
  private var left: Int
  init(_ calls: Int) { left = calls }
  func isOver() -> Bool {
    left -= 1
    return left < 0
  }
}
