import Foundation
import Testing

@testable import Imaging

/// How the parts of an augmentation come together.
@Suite struct FinetuningAugmentationTests {
  let size = PixelSize(width: 24, height: 20)
  let content = ImageContent.pixels(testPattern(width: 50, height: 40))

  func transform(_ augmentation: Augmentation) -> ImageTransform {
    ImageTransform(augmentation, size: size, normalization: .imageNet)
  }

  func planes(_ augmentation: Augmentation, seed: Int) throws -> [Float] {
    guard case .pixels(let image) = content else { return [] }
    return try write(image, transform(augmentation), using: SampleRandom(seed: UInt64(seed)))
  }

  /// Bytes as the normalised floats of the first release.
  func normalized(_ image: ByteImage) -> [Float] {
    let normalization = PixelNormalization.imageNet
    return (0..<3).flatMap { c in
      (0..<image.width * image.height).map {
        Float(image.pixels[3 * $0 + c]) * normalization.scale[c] + normalization.offset[c]
      }
    }
  }

  @Test func `what is off draws nothing`() throws {
    let plain = Augmentation(minScale: 0.08)
    for seed in 0..<20 {
      var a = SampleRandom(seed: UInt64(seed))
      var b = a
      let image = try transform(plain).image(of: content, using: &a)
      _ = plain.framing(of: content.size, output: size, using: &b)
      #expect(a.next() == b.next())
      #expect(try planes(plain, seed: seed) == normalized(image))
    }
  }

  @Test func `crop and flip come first, then RandAugment, then colour`() throws {
    let rand = RandAugment(probability: 1, filter: .bicubic)
    let jitter = ColorJitter(brightness: 0.4)
    var all = Augmentation(minScale: 0.08, randAugment: rand, jitter: jitter)
    for seed in 0..<30 {
      var (a, b) = (SampleRandom(seed: UInt64(seed)), SampleRandom(seed: UInt64(seed)))
      var expected = try transform(Augmentation(minScale: 0.08)).image(of: content, using: &a)
      rand.apply(to: &expected, fill: [124, 116, 104], using: &a)
      jitter.apply(to: &expected, using: &a)
      #expect(try transform(all).image(of: content, using: &b) == expected)
      #expect(a.next() == b.next())
      #expect(try planes(all, seed: seed) == normalized(expected))
    }
    all.randAugment = nil
    all.jitter = .none
    #expect(all == Augmentation(minScale: 0.08))
  }

  @Test func `erasing comes last, on normalised values`() throws {
    var erasing = Augmentation(randAugment: RandAugment(), erasing: RandomErasing(probability: 1))
    var without = erasing
    without.erasing = nil
    for seed in 0..<30 {
      var a = SampleRandom(seed: UInt64(seed))
      var expected = normalized(try transform(without).image(of: content, using: &a))
      expected.withUnsafeMutableBufferPointer {
        guard let first = $0.baseAddress else { return }
        erasing.erasing?.apply(to: first, channels: 3, size: size, using: &a)
      }
      #expect(try planes(erasing, seed: seed) == expected)
    }
    // What people are shown has the mean colour where nothing is left, and elsewhere the same
    // bytes.
    erasing.erasing?.mode = .constant
    for seed in 0..<10 {
      var (a, b) = (SampleRandom(seed: UInt64(seed)), SampleRandom(seed: UInt64(seed)))
      let shown = try transform(erasing).image(of: content, using: &a)
      let whole = try transform(without).image(of: content, using: &b)
      var erased = 0
      for at in stride(from: 0, to: whole.pixels.count, by: 3)
      where shown.pixels[at..<at + 3] != whole.pixels[at..<at + 3] {
        #expect(Array(shown.pixels[at..<at + 3]) == [124, 116, 104])
        erased += 1
      }
      #expect(erased > 0)
    }
  }

  @Test func `gray models are augmented`() throws {
    let transform = ImageTransform(
      Augmentation(
        crop: .none, randAugment: RandAugment(operations: 4, probability: 1),
        erasing: RandomErasing()),
      size: PixelSize(width: 28, height: 28),
      normalization: PixelNormalization(mean: [0.2860], std: [0.3530]))
    let image = testPattern(width: 28, height: 28, channels: 1)
    var results: Set<[Float]> = []
    for seed in 0..<30 {
      let values = try write(image, transform, using: SampleRandom(seed: UInt64(seed)))
      #expect(values.allSatisfy { $0.isFinite })
      results.insert(values)
    }
    #expect(results.count > 25)
  }

  @Test func `clipped crops are drawn once`() {
    let augmentation = Augmentation.linearProbing
    let sides = PixelSize(width: 300, height: 100)
    var random = SampleRandom(seed: 9)
    var whole = 0
    for _ in 0..<4000 {
      var again = random
      let area = 30_000 * again.uniform(0.08, 1)
      let ratio = exp(again.uniform(log(0.75), log(4.0 / 3)))
      let crop = augmentation.randomClippedCrop(of: sides, using: &random)
      #expect(PixelRectangle(width: 300, height: 100).contains(crop))
      #expect(crop.width == min(300, Int((area * ratio).squareRoot().rounded(.toNearestOrEven))))
      #expect(crop.height == min(100, Int((area / ratio).squareRoot().rounded(.toNearestOrEven))))
      #expect(crop.y == again.integer(below: 101 - crop.height))
      #expect(crop.x == again.integer(below: 301 - crop.width))
      whole += crop.height == 100 ? 1 : 0
    }
    // Above a third of the area the height no longer fits: about 0.7 of the draws.
    #expect((2600...3000).contains(whole), "\(whole)")
    for side in 1...6 {
      for seed in 0..<50 {
        var random = SampleRandom(seed: UInt64(seed))
        let crop = augmentation.randomClippedCrop(
          of: PixelSize(width: side, height: 1), using: &random)
        #expect(PixelRectangle(width: side, height: 1).contains(crop))
      }
    }
    #expect(
      augmentation.framing(of: sides, output: size, using: &random).resized == size)
  }

  @Test func `evaluation leaves a margin where one is customary`() {
    for (side, fraction) in [
      (32, 1), (63, 1), (64, 0.875), (224, 0.875), (225, 1), (448, 1.0),
    ] {
      let chosen = Augmentation.evaluation(for: PixelSize(width: side, height: side))
      #expect(chosen == Augmentation(crop: .center, centerFraction: fraction, flip: 0))
    }
    #expect(
      Augmentation.evaluation(for: PixelSize(width: 224, height: 224)) == Augmentation.evaluation)
    var random = SampleRandom(seed: 0)
    let output = PixelSize(width: 224, height: 224)
    // What torchvision's Resize(256) and CenterCrop(224) say of these sizes.
    for (width, height, resized, origin) in [
      (500, 375, (341, 256), (58, 16)), (375, 500, (256, 341), (16, 58)),
      (333, 500, (256, 384), (16, 80)), (100, 103, (256, 263), (16, 20)),
      (4000, 3, (341_333, 256), (170_554, 16)), (256, 256, (256, 256), (16, 16)),
    ] {
      let framing = Augmentation.evaluation.framing(
        of: PixelSize(width: width, height: height), output: output, using: &random)
      #expect(framing.resized == PixelSize(width: resized.0, height: resized.1))
      #expect(framing.origin == origin, "\(width)×\(height): \(framing.origin)")
    }
  }

  @Test func `presets have no mistakes, and mistakes are named`() {
    for preset in [
      Augmentation.pretraining, .finetuning, .linearProbing, .evaluation, .identity,
    ] {
      #expect(preset.problems.isEmpty)
    }
    let bad = Augmentation(
      randAugment: RandAugment(operations: 0, magnitude: .nan, noise: -1, probability: 1.5),
      erasing: RandomErasing(
        probability: -1, count: 0, minArea: -0.1, maxArea: 2, minRatio: 0, maxRatio: .infinity))
    #expect(
      bad.problems.map(\.path) == [
        "randAugment.operations", "randAugment.magnitude", "randAugment.noise",
        "randAugment.probability", "erasing.probability", "erasing.count", "erasing.minArea",
        "erasing.maxArea", "erasing.minRatio", "erasing.maxRatio",
      ])
    #expect(
      Augmentation(erasing: RandomErasing(minArea: 0.5, maxArea: 0.4)).problems.map(\.message)
        == ["is 0.4, below minArea 0.5"])
  }

  @Test func `what older files lack is off`() throws {
    let old = """
      {"crop": "random-resized", "minScale": 0.2, "maxScale": 1, "minRatio": 0.75, "maxRatio": 1.5,
       "padding": 4, "centerFraction": 0.875, "flip": 0.5, "filter": "bicubic",
       "jitter": {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}}
      """
    let read = try JSONDecoder().decode(Augmentation.self, from: Data(old.utf8))
    #expect(read == Augmentation(maxRatio: 1.5))
    var full = Augmentation.finetuning
    full.erasing = RandomErasing(mode: .color)
    let data = try JSONEncoder().encode(full)
    #expect(try JSONDecoder().decode(Augmentation.self, from: data) == full)
  }
}
