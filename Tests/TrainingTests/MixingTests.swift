import Foundation
import Imaging
import TestSupport
import Testing
import Torch
@testable import Recipes

@testable import Training

/// Mixup, CutMix, smoothed targets and losses, against timm's.
@Suite struct MixingTests {
  static let golden = Golden("finetuning")

  struct Case: Decodable {
    let name: String
    let kind: String
    let lambda: Double?
    let labelSmoothing: Double?
    let box: [Int]?
    let correctedLambda: Double?
  }

  @Test func imagesAndTargetsAreTimms() throws {
    let tensors = try Self.golden.tensors("mixup.safetensors")
    let tolerance = try Self.golden.tolerance()
    let cases = try Self.golden.cases(of: Case.self).filter { $0.kind == "mixup" }
    #expect(cases.count == 4)
    for golden in cases {
      let images = try tensors[golden.name + ".images"]
      let labels: [Int] = try tensors[golden.name + ".labels"].array()
      let (height, width) = (images.shape[2], images.shape[3])
      let blend: MixupCutMix.Mix =
        if let box = golden.box {
          .box(rows: box[0]..<box[1], columns: box[2]..<box[3])
        } else {
          .whole(share: try #require(golden.lambda))
        }
      let share = blend.share(height: height, width: width)
      #expect(abs(share - (try #require(golden.correctedLambda ?? golden.lambda))) < 1e-12)
      let mixes = [MixupCutMix.Mix](repeating: blend, count: labels.count)
      expectClose(
        MixupCutMix.mix(images, by: mixes), try tensors[golden.name + ".mixed"], within: tolerance,
        golden.name)
      let targets = MixupCutMix.targets(
        labels, classes: 5, shares: mixes.map { $0.share(height: height, width: width) },
        smoothing: try #require(golden.labelSmoothing))
      expectClose(targets, try tensors[golden.name + ".targets"], within: tolerance, golden.name)
      // One by one gives the same as all at once.
      let apart = mixes.indices.map { index in
        MixupCutMix.mix(
          images, by: mixes.indices.map { $0 == index ? blend : .none }
        ).narrowed(0, to: index..<index + 1)
      }
      expectEqual(concatenated(apart), MixupCutMix.mix(images, by: mixes))
    }
  }

  @Test func lossesAreTimms() throws {
    let tensors = try Self.golden.tensors("losses.safetensors")
    let tolerance = try Self.golden.tolerance()
    let labels: [Int] = try tensors["labels"].array()
    let smoothed = MixupCutMix.targets(
      labels, classes: 5, shares: labels.map { _ in 1 }, smoothing: 0.1)
    for (name, target) in [("label-smoothing", smoothed), ("soft-target", try tensors["targets"])] {
      let logits = try tensors["logits"].cloned()
      logits.requiresGradient = true
      let loss = logits.crossEntropy(with: target)
      loss.backward()
      expectClose(loss, try tensors[name + ".loss"], within: tolerance, name)
      expectClose(
        try #require(logits.gradient), try tensors[name + ".grad"], within: tolerance, name)
    }
  }

  @Test func drawsAreShared() {
    for (mode, batch) in [(MixMode.batch, 6), (.pair, 6), (.pair, 5), (.image, 6)] {
      var random = SampleRandom(seed: 3)
      let mixing = MixupCutMix(mode: mode)
      let mixes = mixing.draw(batch: batch, height: 8, width: 12, using: &random)
      #expect(mixes.count == batch)
      switch mode {
      case .batch: #expect(Set(mixes).count == 1)
      case .pair:
        #expect(Set(mixes).count == (batch + 1) / 2)
        #expect(mixes.indices.allSatisfy { mixes[$0] == mixes[batch - 1 - $0] })
      case .image: #expect(Set(mixes).count == batch)
      }
    }
  }

  @Test func probabilitiesAndStrengthsAreKept() {
    var random = SampleRandom(seed: 5)
    func shares(_ mixing: MixupCutMix) -> (none: Double, box: Double, mean: Double) {
      var (none, boxes, sum) = (0, 0, 0.0)
      let mixes = mixing.draw(batch: 4000, height: 64, width: 64, using: &random)
      for blend in mixes {
        switch blend {
        case .none: none += 1
        case .whole(let share):
          sum += share
          #expect(share >= 0 && share <= 1)
        case .box(let rows, let columns):
          boxes += 1
          #expect(rows.lowerBound >= 0 && rows.upperBound <= 64)
          #expect(columns.lowerBound >= 0 && columns.upperBound <= 64)
        }
      }
      let count = Double(mixes.count)
      return (
        Double(none) / count, Double(boxes) / count, sum / max(1, count - Double(none + boxes))
      )
    }
    var mixing = MixupCutMix(probability: 0.7, switchProbability: 0.25, mode: .image)
    var found = shares(mixing)
    #expect(abs(found.none - 0.3) < 0.03 && abs(found.box - 0.7 * 0.25) < 0.03)
    #expect(abs(found.mean - 0.5) < 0.03)
    mixing = MixupCutMix(mixup: 0, mode: .image)
    found = shares(mixing)
    #expect(found.box == 1)
    mixing = MixupCutMix(cutmix: 0, mode: .image)
    #expect(shares(mixing).box == 0)
    #expect(shares(MixupCutMix(mixup: 0, cutmix: 0, mode: .image)).none == 1)
  }

  /// Beta(α, α) has mean ½ and variance 1 / (4·(2α + 1)).
  @Test(arguments: [0.2, 0.8, 1, 3]) func betaHasItsMoments(alpha: Double) {
    var random = SampleRandom(seed: 11)
    let values = (0..<20_000).map { _ in random.beta(alpha) }
    let mean = values.reduce(0, +) / 20_000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean - 0.5) < 0.01)
    #expect(abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.005)
  }
}
