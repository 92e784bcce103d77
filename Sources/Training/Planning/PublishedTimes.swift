import FileSystem
import Foundation
import MaskedAutoencoders
import Runs

/// Times that were published for runs of 800 epochs of ImageNet-1K with 4096 images a step, and what
/// ``RunPlan`` makes of them.
package struct PublishedTime: Sendable {
  /// Where it stands, and what was trained.
  package let source: String
  package let title: String
  /// Hours as published; estimated by the authors from 10 epochs where `isEstimated`.
  package let hours: Double
  package let isEstimated: Bool
  /// The plan of the same run.
  package let plan: RunPlan

  /// Images of ImageNet-1K's training set.
  package static let imageNet = 1_281_167

  private init?(
    _ source: String, _ title: String, hours: Double, isEstimated: Bool = false,
    encoder: TransformerShape, patch: Int, decoderDepth: Int, encodesMasks: Bool = false,
    machine: Machine, hosts: Int
  ) {
    var decoder = TransformerShape.paperDecoder
    decoder.depth = decoderDepth
    let model = ModelConfiguration(
      patch: patch, encoder: encoder, decoder: decoder, encodesMaskTokens: encodesMasks)
    let cost = ModelCost(pretraining: model, kept: model.grid.count / 4, predictsAll: true)
    let job = RunPlan.Job(
      name: title, model: "", cost: cost, batch: 4096, accumulation: 1,
      steps: 800 * Self.imageNet / 4096, images: Self.imageNet, isShort: true, stateBytes: 8,
      keepsAverage: false, checkpoints: 1)
    guard let plan = try? RunPlan(job, on: machine, hosts: hosts, gpus: machine.gpus) else {
      return nil
    }
    self.source = source
    self.title = title
    self.hours = hours
    self.isEstimated = isEstimated
    self.plan = plan
  }

  /// The paper's Table 2 on 128 cores of TPUv3, and the published code's hours on 64 V100.
  package static let all: [PublishedTime] = [
    tpu("ViT-L, mask tokens in the encoder", 42.4, .large, 16, 8, encodesMasks: true),
    tpu("ViT-L, decoder of 8 blocks", 15.4, .large, 16, 8),
    tpu("ViT-L, decoder of 1 block", 11.6, .large, 16, 1),
    tpu("ViT-H, mask tokens in the encoder", 119.6, .huge, 14, 8, encodesMasks: true),
    tpu("ViT-H, decoder of 8 blocks", 34.5, .huge, 14, 8),
    tpu("ViT-H, decoder of 1 block", 29.3, .huge, 14, 1),
    Machine.named.first { $0.name == "v100-4x100g" }.flatMap {
      PublishedTime(
        "published code", "ViT-L, 64 V100", hours: 42, encoder: .large, patch: 16, decoderDepth: 8,
        machine: $0, hosts: 8)
    },
  ].compactMap(\.self)

  private static func tpu(
    _ title: String, _ hours: Double, _ encoder: TransformerShape, _ patch: Int, _ decoder: Int,
    encodesMasks: Bool = false
  ) -> PublishedTime? {
    PublishedTime(
      "Table 2", title, hours: hours, isEstimated: encoder == .huge && encodesMasks,
      encoder: encoder, patch: patch, decoderDepth: decoder, encodesMasks: encodesMasks,
      machine: .tpu, hosts: 1)
  }

  /// Published and planned times side by side.
  package static var lines: [String] {
    func cells(_ first: String, _ rest: [String]) -> String {
      first.padding(toLength: 36, withPad: " ", startingAt: 0)
        + rest.map { String(repeating: " ", count: max(0, 12 - $0.count)) + $0 }.joined()
    }
    func block(_ title: String, _ times: [PublishedTime]) -> [String] {
      let first = times.first
      return [title] + [
        cells("", ["published", "planned", "ratio", "speed-up", "planned", "GFLOP"])
      ]
        + times.map { time in
          let base =
            time.title.hasPrefix("ViT-H") ? times.first { $0.title.hasPrefix("ViT-H") } : first
          let speedUp = (base?.hours ?? time.hours) / time.hours
          let planned = (base?.plan.hours ?? time.plan.hours) / time.plan.hours
          return cells(
            "  " + time.title,
            [
              Formatted.fixed(time.hours, 1) + (time.isEstimated ? "*" : ""),
              Formatted.fixed(time.plan.hours, 1),
              Formatted.fixed(time.plan.hours / time.hours, 2),
              Formatted.fixed(speedUp, 1), Formatted.fixed(planned, 1),
              short(time.plan.job.cost.operations / 1e9),
            ])
        }
    }
    return block(
      "Hours of 800 epochs, He et al. (2022), Table 2: 128 TPUv3 cores at "
        + "\(Formatted.fixed(100 * Machine.tpu.utilization, 1)) % of their peak",
      all.filter { $0.source == "Table 2" })
      + ["  * the authors' estimate from 10 epochs", ""]
      + block(
        "The published code: 64 V100, hosts of 8, at "
          + "\(Formatted.fixed(100 * (all.last?.plan.machine.utilization ?? 0), 1)) % of their peak",
        all.filter { $0.source != "Table 2" })
      + [
        "",
        "Each share of the peak is the one number that was fitted to its block; GFLOP is an image's "
          + "forward and backward pass.",
      ]
  }
}
