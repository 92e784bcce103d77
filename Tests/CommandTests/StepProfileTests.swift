import MaskedAutoencoders
import Testing
import Torch
import Training

@testable import mae

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The table of `mae bench step --profile`.
@Suite struct StepProfileTests {
  private func entry(
    _ name: String, _ seconds: Double, product: OperatorProfile.Product? = nil
  ) -> OperatorProfile.Entry {
    .init(name: name, product: product, calls: 2, seconds: seconds)
  }

  private func product(transposesFirst: Bool = false) -> OperatorProfile.Product {
    .init(
      count: 1, m: 10, n: 20, k: 30, transposesFirst: transposesFirst, transposesSecond: false)
  }

  @Test func `parts add up to the step`() {
    let profile = StepProfile(
      [
        .init(phase: .data, seconds: 1, entries: [entry("aten::sort", 0.25)]),
        .init(
          phase: .forward, seconds: 10,
          entries: [
            entry("aten::addmm", 4, product: product()), entry("aten::bmm", 1),
            entry("aten::gelu", 2), entry("swift_mae::block attention forward", 0.5),
          ]),
        .init(
          phase: .backward, seconds: 20,
          entries: [
            entry("aten::mm", 6, product: product(transposesFirst: true)),
            entry("aten::mm", 5, product: product()), entry("autograd::engine", 3),
          ]),
        .init(phase: .optimizer, seconds: 3, entries: [entry("aten::_fused_adamw_", 2)]),
        .init(phase: .waits, seconds: 0.5, entries: []),
      ], steps: 2, alone: { _ in 1 })
    let expected: [StepProfile.Part: Double] = [
      .data: 0.5, .forward: 2, .attention: 0.75, .elementwise: 1, .weightGradient: 3,
      .inputGradient: 2.5, .optimizer: 1.5, .waits: 0.25, .rest: 5.75,
    ]
    #expect(profile.seconds == expected)
    #expect(profile.total == 17.25)
    #expect(profile.seconds.values.reduce(0, +) == profile.total)
    #expect(profile.operations[.forward] == 12_000)
    #expect(profile.secondsAlone[.forward] == 1)
    #expect(profile.lines.count == 13)
    #expect(profile.lines[10].hasPrefix("the step") && profile.lines[10].contains("100.0 %"))
    #expect(profile.lines[11] == "Products alone would be 17 % of the step.")
  }

  @Test(arguments: [BlockKernel.fused.rawValue, BlockKernel.plain.rawValue])
  func `a real step is divided whole, no second twice, and has every product`(
    blocks: String
  ) async {
    // In a process of its own: a profile sees all threads.
    await #expect(processExitsWith: .success) { [blocks] in
      setenv("CTORCH_BLOCKS", blocks, 1)
      Engine.threads = 2
      let configuration = ModelConfiguration(
        height: 32, width: 32, patch: 4, encoder: TransformerShape(width: 96, depth: 2, heads: 3),
        decoder: TransformerShape(width: 64, depth: 2, heads: 2))
      let benchmark = StepBenchmark(
        StepWorkload(name: "tiny", configuration: configuration, batch: 16), on: .cpu)
      _ = benchmark.step()
      let profile = benchmark.profile(steps: 2)
      let sum = profile.seconds.values.reduce(0, +)
      #expect(abs(sum - profile.total) <= 1e-9 * profile.total)
      for part in StepProfile.Part.allCases {
        #expect(profile.seconds[part] ?? 0 >= 0, "\(part)")
      }
      // Forward, and each operand's gradient but that of the images.
      let linear = Self.linearOperations(of: configuration, kept: 16)
      let found = StepProfile.Part.allCases.map { (profile.operations[$0] ?? 0) / 16 / linear }
      #expect((0.98...1.02).contains(found[0]), "\(found)")
      #expect((0.96...1.02).contains(found[1]), "\(found)")
      #expect((0.98...1.02).contains(found[2]), "\(found)")
    }
  }

  /// Operations of an image's linear layers in a forward pass.
  private static func linearOperations(of model: ModelConfiguration, kept: Int) -> Double {
    var all = ModelCost(pretraining: model, kept: kept).forward
    let (decoder, patches) = (model.decoder ?? model.encoder, model.grid.count)
    func attention(_ queries: Int, _ tokens: Int, _ width: Int) -> Double {
      Double(4 * queries * tokens * width)
    }
    all -= Double(model.encoder.depth) * attention(1 + kept, 1 + kept, model.encoder.width)
    all -= Double(decoder.depth - 1) * attention(1 + patches, 1 + patches, decoder.width)
    return all - attention(patches - kept, 1 + patches, decoder.width)
  }
}
