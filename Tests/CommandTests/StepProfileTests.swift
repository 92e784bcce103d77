import Testing
import Torch

@testable import mae

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
}
