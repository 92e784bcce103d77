import CImageCodecs
import Foundation
import TestSupport
import Testing

@testable import Imaging

@Suite struct RandAugmentTests {
  typealias Operation = RandAugment.Operation

  /// Sides of every small size, and a few beyond.
  static let sides = Array(1...9) + [16, 17, 33, 64]

  @Test func `draws are as timm's`() {
    let augment = RandAugment(magnitude: 5, noise: 0.5, probability: 0.7)
    var random = SampleRandom(seed: 3)
    var steps: [RandAugment.Step] = []
    var lengths = [0, 0, 0]
    for _ in 0..<10_000 {
      let drawn = augment.steps(using: &random)
      steps += drawn
      lengths[drawn.count] += 1
    }
    // Both, one or none of two: 0.49, 0.42, 0.09.
    #expect(abs(lengths[2] - 4900) < 200 && abs(lengths[0] - 900) < 120)
    let counts = Operation.allCases.map { operation in
      steps.count { $0.operation == operation }
    }
    let each = Double(steps.count) / 15
    #expect(counts.allSatisfy { abs(Double($0) - each) < 150 }, "\(counts)")
    // Twice as often with the other sign or filter would be far outside.
    #expect(abs(steps.count { $0.filter == .bicubic } - steps.count / 2) < 300)
    let turns = steps.filter { $0.operation == .rotate }.map(\.argument)
    #expect(abs(turns.count { $0 > 0 } - turns.count / 2) < 100)
    let strengths = turns.map { abs($0) / 3 }
    let mean = strengths.reduce(0, +) / Double(turns.count)
    let variance = strengths.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(turns.count)
    #expect(abs(mean - 5) < 0.08 && abs(variance.squareRoot() - 0.5) < 0.06)
  }

  @Test func `magnitudes stay between 0 and 10`() {
    for magnitude in [0.0, 10] {
      let augment = RandAugment(operations: 1, magnitude: magnitude, noise: 3, probability: 1)
      var random = SampleRandom(seed: 4)
      let steps = (0..<3000).flatMap { _ in augment.steps(using: &random) }
      let turns = steps.filter { $0.operation == .rotate }.map { abs($0.argument) }
      #expect(turns.allSatisfy { (0...30).contains($0) })
      #expect(turns.contains(magnitude * 3))
      #expect(Set(turns).count > 20)
    }
  }

  @Test func `a named filter is used`() {
    let augment = RandAugment(probability: 1, filter: .bilinear)
    var random = SampleRandom(seed: 4)
    for _ in 0..<50 {
      #expect(augment.steps(using: &random).allSatisfy { $0.filter == .bilinear })
    }
  }

  @Test func `what is improbable never happens, and draws as much`() {
    let image = testPattern(width: 20, height: 10)
    var changed = image
    var (never, always) = (SampleRandom(seed: 5), SampleRandom(seed: 5))
    for _ in 0..<20 {
      RandAugment(probability: 0).apply(to: &changed, fill: [1, 2, 3], using: &never)
    }
    #expect(changed == image)
    for _ in 0..<20 {
      RandAugment(probability: 1).apply(to: &changed, fill: [1, 2, 3], using: &always)
    }
    #expect(changed != image)
    #expect(never.next() == always.next())
  }

  @Test func `equal seeds give equal images, on a used workbench too`() {
    let image = testPattern(width: 31, height: 23)
    let scratch = DecoderScratch()
    var different = 0
    for seed in 0..<40 {
      var (one, two) = (image, image)
      var (a, b) = (SampleRandom(seed: UInt64(seed)), SampleRandom(seed: UInt64(seed)))
      RandAugment().apply(to: &one, fill: [124, 116, 104], using: &a)
      RandAugment().apply(to: &two, fill: [124, 116, 104], using: &b, scratch: scratch)
      #expect(one == two)
      different += one == image ? 0 : 1
    }
    #expect(different > 20)
  }

  @Test func `every operation takes every small image`() {
    let scratch = DecoderScratch()
    withEvery("channels", in: [1, 3]) { channels in
      withEvery("width", in: Self.sides) { width in
        withEvery("height", in: Self.sides) { height in
          let image = testPattern(width: width, height: height, channels: channels)
          let fill = [UInt8](repeating: 9, count: channels)
          for operation in Operation.allCases {
            for (magnitude, filter) in [(0.0, ResamplingFilter.bilinear), (10, .bicubic)] {
              var changed = image
              operation.apply(
                operation.argument(at: magnitude, isNegative: height > width), to: &changed,
                filter: filter, fill: fill, scratch: scratch)
              #expect(changed.pixels.count == image.pixels.count)
              let neutral: Set<Operation> = [
                .autoContrast, .equalize, .invert, .posterize,
              ]
              if magnitude == 0, !neutral.contains(operation) {
                #expect(changed == image, "\(context("\(operation)")) changes at magnitude 0")
              }
            }
          }
        }
      }
    }
  }

  @Test func `gray is changed as each channel of the same gray is`() {
    var gray = testPattern(width: 24, height: 18, channels: 1)
    gray.mapValues { 20 + $0 * $0 / 400 }
    for operation in Operation.allCases {
      for filter in ResamplingFilter.allCases {
        let argument = operation.argument(at: 7, isNegative: true)
        var (one, three) = (gray, gray.converted(toChannels: 3))
        operation.apply(argument, to: &one, filter: filter, fill: [77], scratch: DecoderScratch())
        operation.apply(
          argument, to: &three, filter: filter, fill: [77, 77, 77], scratch: DecoderScratch())
        #expect(one.converted(toChannels: 3) == three, "\(operation)")
        #expect((one == gray) == (operation == .color), "\(operation)")
      }
    }
  }

  @Test func `one colour has nothing to stretch`() {
    for channels in [1, 3] {
      let image = ByteImage(
        width: 5, height: 4, channels: channels,
        pixels: Array(repeating: 40, count: 20 * channels))
      for operation in [Operation.autoContrast, .equalize, .sharpness, .color, .contrast] {
        var changed = image
        operation.apply(1.9, to: &changed, filter: .bilinear, fill: [], scratch: DecoderScratch())
        #expect(changed == image, "\(operation)")
      }
    }
  }

  @Test func `posterizing leaves a bit where timm asks for none`() {
    var image = testPattern(width: 8, height: 8)
    let bits = Operation.posterize.argument(at: 10, isNegative: false)
    #expect(bits == 0)
    Operation.posterize.apply(
      bits, to: &image, filter: .bilinear, fill: [0, 0, 0], scratch: DecoderScratch())
    #expect(Set(image.pixels) == [0, 128])
  }

  @Test func `vectorised and portable warps agree to the bit`() {
    var random = SampleRandom(seed: 6)
    for _ in 0..<80 {
      let width = 1 + random.integer(below: 40)
      let height = 1 + random.integer(below: 40)
      let channels = random.uniform() < 0.3 ? 1 : 3
      let image = testPattern(width: width, height: height, channels: channels)
      var warp = mae_warp()
      warp.width = Int32(width)
      warp.height = Int32(height)
      warp.channels = Int32(channels)
      warp.cubic = random.uniform() < 0.5 ? 1 : 0
      func draw(around middle: Double, _ spread: Double) -> Double {
        random.uniform() < 0.3 ? middle : random.uniform(middle - spread, middle + spread)
      }
      warp.map = (
        draw(around: 1, 0.5), draw(around: 0, 0.5), draw(around: 0, 9), draw(around: 0, 0.5),
        draw(around: 1, 0.5), draw(around: 0, 9)
      )
      warp.fill = (1, 2, 3)
      // One byte beyond the last is read, and its value is nothing.
      func warped(
        _ beyond: UInt8,
        _ loop: (UnsafePointer<mae_warp>?, UnsafeMutablePointer<UInt8>?) -> Void
      ) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: image.pixels.count)
        (image.pixels + [beyond]).withUnsafeBufferPointer {
          warp.in = $0.baseAddress
          loop(&warp, &out)
        }
        return out
      }
      #expect(warped(0, mae_warp_rows) == warped(200, mae_warp_rows_portable))
    }
  }

  @Test func `names are read and written`() throws {
    let paper = try RandAugment(name: "rand-m9-mstd0.5-inc1")
    #expect(paper == RandAugment())
    #expect(paper.name == "rand-m9-mstd0.5-inc1")
    #expect(
      try RandAugment(name: "rand-inc1-n3-p0.25-m7.5")
        == RandAugment(operations: 3, magnitude: 7.5, noise: 0, probability: 0.25))
    #expect(try RandAugment(name: "rand-inc1") == RandAugment(magnitude: 10, noise: 0))
    for name in ["rand-m7.5-n3-p0.25-inc1", "rand-m0-mstd1-inc1", "rand-m10-inc1"] {
      #expect(try RandAugment(name: name).name == name)
    }
  }

  @Test(arguments: [
    ("", "does not begin with rand"), ("augmix-m3", "does not begin with rand"),
    ("rand", "lacks inc1"), ("rand-m9-inc0", "lacks inc1"), ("rand-m9-", "'' without a number"),
    ("rand-m-inc1", "'m' without a number"), ("rand-mninf", "'mninf' without a number"),
    ("rand-m1e999-inc1", "without a number"), ("rand-m9x-inc1", "without a number"),
    ("rand-w0-inc1", "'w0' that is not known"), ("rand-n1.5-inc1", "'n1.5'"),
    ("rand-m11-inc1", "magnitude is 11.0; expected a number from 0 to 10"),
    ("rand-n0-inc1", "operations is 0"), ("rand-p2-inc1", "probability is 2.0"),
    ("rand-mstd101-inc1", "noise is 101.0"),
  ])
  func `names that are not understood say why`(_ name: String, _ reason: String) {
    do {
      _ = try RandAugment(name: name)
      Issue.record("'\(name)' was read")
    } catch {
      #expect(error.description.hasPrefix("'\(name)' "))
      #expect(error.description.contains(reason), "\(error)")
      #expect(!error.description.contains("\n"))
    }
  }
}
