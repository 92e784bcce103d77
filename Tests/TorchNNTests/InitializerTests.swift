import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct InitializerTests {
  private func values(_ initializer: Initializer, count: Int = 40_000) -> Tensor {
    let store = ParameterStore(initializing: Generator(seed: 6))
    return store.root.parameter("x", [count], initializer).detached()
  }

  /// Uniform in ±bound: nothing outside, nearly all of the range used, variance bound² / 3.
  private func expectUniform(_ tensor: Tensor, bound: Double) {
    let largest = tensor.abs().max().item()
    #expect(largest <= bound && largest > 0.99 * bound)
    #expect(tensor.min().item() < -0.99 * bound && tensor.max().item() > 0.99 * bound)
    #expect(tensor.mean().item().magnitude < 0.02 * bound)
    #expect((tensor.variance([0]).item() / (bound * bound / 3) - 1).magnitude < 0.03)
  }

  @Test func xavierUniform() {
    expectUniform(values(.xavierUniform(fanIn: 40, fanOut: 20)), bound: 0.1.squareRoot())
    expectUniform(values(.xavierUniform(fanIn: 20, fanOut: 40)), bound: 0.1.squareRoot())
    expectUniform(values(.xavierUniform(fanIn: 768, fanOut: 2304)), bound: 0.04419417)
  }

  @Test func uniform() { expectUniform(values(.uniform(bound: 0.25)), bound: 0.25) }

  @Test func normal() {
    let tensor = values(.normal(std: 0.02))
    #expect(tensor.mean().item().magnitude < 5e-4)
    #expect((tensor.variance([0]).squareRoot().item() / 0.02 - 1).magnitude < 0.02)
    #expect(tensor.abs().max().item() > 0.06)  // not cut off at two deviations
  }

  @Test func `a LeCun normal has its variance and ends at two deviations`() {
    let tensor = values(.lecunNormal(fanIn: 25))
    #expect(tensor.mean().item().magnitude < 4e-3)
    #expect((tensor.variance([0]).squareRoot().item() / 0.2 - 1).magnitude < 0.02)
    let end = 2 * 0.2 / 0.87962566
    #expect(tensor.abs().max().item() < end && tensor.abs().max().item() > 0.99 * end)
  }

  @Test func `constant and values`() {
    expectEqual(values(.constant(1.5), count: 3), Tensor([1.5, 1.5, 1.5] as [Float]))
    expectEqual(values(.values([1, 2, 3]), count: 3), Tensor([1, 2, 3] as [Float]))
  }

  @Test func `layers start as they should`() throws {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let linear = Linear(300, 100, in: store.root["a"])
    expectUniform(linear.weight.detached().flattened(), bound: (6.0 / 400).squareRoot())
    expectEqual(try #require(linear.bias), Tensor.zeros([100]))
    let norm = LayerNorm(8, epsilon: 1e-6, in: store.root["b"])
    expectEqual(norm.weight, Tensor.ones([8]))
    expectEqual(norm.bias, Tensor.zeros([8]))
  }

  @Test func `the seed decides`() {
    func weight(_ seed: UInt64) -> [Float] {
      let store = ParameterStore(initializing: Generator(seed: seed))
      return Linear(4, 4, in: store.root).weight.floats()
    }
    #expect(weight(1) == weight(1) && weight(1) != weight(2))
  }
}
