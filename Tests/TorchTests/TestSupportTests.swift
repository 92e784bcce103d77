import TestSupport
import Testing
import Torch

/// The checks that the other tests trust must themselves be able to fail.
@Suite struct TestSupportTests {
  private func found(
    _ a: [Float], _ b: [Float], absolute: Double = 0, relative: Double = 0, ofLargest: Double = 0
  ) -> String? {
    difference(
      of: Tensor(a), from: Tensor(b),
      within: Golden.Tolerance(absolute: absolute, relative: relative, ofLargest: ofLargest))
  }

  @Test func `equal arrays agree`() {
    #expect(found([1, 2], [1, 2]) == nil)
    #expect(found([.infinity], [.infinity]) == nil)
    #expect(found([], []) == nil)
    #expect(found([1.5, 2], [1, 2], absolute: 0.5) == nil)
    #expect(found([1.01, 99], [1, 100], relative: 0.015) == nil)
    #expect(found([0.5, 100], [0, 100], ofLargest: 0.005) == nil)
  }

  /// A large element gives a small one no room: this is what `assert_close` of torch checks.
  @Test func `a relative tolerance is of each element`() {
    #expect(found([0.5, 100], [0, 100], relative: 0.005) != nil)
    #expect(found([1.02, 100], [1, 100], absolute: 0.001, relative: 0.015) != nil)
    #expect(found([0, 0, 1, 100], [1e-4, 1e-4, 1, 100], absolute: 1e-6, relative: 1e-5) != nil)
    #expect(found([0.6, 100], [0, 100], ofLargest: 0.005) != nil)
  }

  @Test func `the worst element is reported`() {
    let message = difference(
      of: Tensor([1, 2, 3, 4, 5, 9] as [Float], shape: [2, 3]),
      from: Tensor([1, 2.5, 3, 4, 5, 6] as [Float], shape: [2, 3]),
      within: Golden.Tolerance(absolute: 0.25))
    #expect(
      message == "2 of 6 values are too far off; worst at [1, 2]: 9.0, expected 6.0 within 0.25")
  }

  @Test func `nothing equals na n`() {
    #expect(found([.nan], [.nan], absolute: 1) != nil)
    #expect(found([1], [.nan], absolute: 1, relative: 1) != nil)
    #expect(found([.nan, 1], [1, 1], absolute: .infinity) != nil)
    #expect(found([.infinity], [1], absolute: 1e30) != nil)
    #expect(found([.infinity], [-.infinity], relative: 1e30) != nil)
  }

  @Test func `shapes and types count`() {
    #expect(
      difference(
        of: Tensor.zeros([2, 3]), from: Tensor.zeros([3, 2]),
        within: Golden.Tolerance(absolute: 1))
        == "the shape is [2, 3], expected [3, 2]")
    #expect(difference(of: Tensor(), from: Tensor(), within: Golden.Tolerance(absolute: 1)) != nil)
    withKnownIssue { expectEqual(Tensor([1]), Tensor([1] as [Float])) }
    withKnownIssue { expectClose(Tensor([1]), Tensor([2])) }
  }

  @Test func `loops name their values`() {
    withEvery("a", in: [1]) { _ in
      withEvery("b", in: ["x"]) { _ in #expect(context("c") == "a = 1, b = x, c: ") }
    }
    #expect(context() == "")
  }

  @Test func `a wrong gradient is found`() {
    withKnownIssue {
      expectGradients(of: [Tensor([1, 2])]) { $0[0] * $0[0].detached() }
    }
    withKnownIssue {
      expectGradients(of: [Tensor([1, 2]), Tensor([1, 2])]) { $0[0] * $0[0] }
    }
  }

  @Test func `a missing golden is said`() throws {
    let tensors = try Golden("layers").tensors("linear.safetensors")
    #expect(throws: MissingGolden.self) { try tensors["nothing"] }
    #expect(tensors.starting(with: "weight.").keys.sorted() == ["bias", "weight"])
  }
}
