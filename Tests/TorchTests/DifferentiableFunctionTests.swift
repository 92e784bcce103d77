import TestSupport
import Testing
import Torch

/// Functions with a derivative of their own, and parts that are computed twice.
@Suite struct DifferentiableFunctionTests {
  @Test func `a given derivative is followed, also into what comes before`() {
    let x = Tensor([1, 2, 3] as [Float])
    x.requiresGradient = true
    let y = x * 2
    let cube = Tensor.function(y.detached().power(3), of: [y]) { [$0 * y.squared() * 3] }
    #expect(cube.floats() == [8, 64, 216])
    (cube * Tensor([1, 10, 100] as [Float])).sum().backward()
    // d/dx of (2x)³ is 24x², weighted.
    #expect(x.gradient?.floats() == [24, 960, 21600])
  }

  @Test func `several inputs get theirs, and nil is none`() {
    let leaves = (0..<3).map { Tensor([Float($0) + 1]) }
    for leaf in leaves { leaf.requiresGradient = true }
    let product = Tensor.function(
      leaves[0].detached() * leaves[1].detached(), of: leaves
    ) { [$0 * leaves[1].detached(), $0 * leaves[0].detached(), nil] }
    product.backward()
    #expect(leaves.map { $0.gradient?.floats() } == [[2], [1], nil])
  }

  @Test func `nothing is recorded without gradients`() {
    let x = Tensor([1] as [Float])
    let isAsked = Tensor.function(x, of: [x]) { _ in [nil] }.requiresGradient
    #expect(!isAsked)
    x.requiresGradient = true
    withoutGradients { #expect(!Tensor.function(x, of: [x]) { _ in [nil] }.requiresGradient) }
  }

  /// Lives as long as the graph of gradients holds it.
  private final class Witness {
    let note: () -> Void
    init(_ note: @escaping () -> Void) { self.note = note }
    deinit { note() }
  }

  @Test func `what a derivative holds is let go after the pass, and with a graph that has none`() {
    for passes in [true, false] {
      var released = 0
      do {
        let x = Tensor([1] as [Float])
        x.requiresGradient = true
        let witness = Witness { released += 1 }
        let y = Tensor.function(x.detached(), of: [x]) { gradient in
          withExtendedLifetime(witness) { [gradient] }
        }
        if passes { y.sum().backward() }
      }
      #expect(released == 1, "passes: \(passes)")
    }
  }

  @Test func `a part that is computed twice has the values and gradients of itself`() {
    let random = Generator(seed: 3)
    let input = Tensor.randn([4, 6], using: random)
    let weight = Tensor.randn([6, 6], using: random)
    var calls = 0
    func gradients(_ apply: (Tensor) -> Tensor) -> [[Float]] {
      for leaf in [input, weight] {
        leaf.requiresGradient = true
        leaf.gradient = nil
      }
      let middle = apply(input * 3)
      middle.squared().sum().backward()
      return [middle.floats()] + [input, weight].map { $0.gradient?.floats() ?? [] }
    }
    func part(_ x: Tensor) -> Tensor {
      calls += 1
      return x.linear(weight).gelu().linear(weight)
    }
    let plain = gradients(part)
    #expect(calls == 1)
    let twice = gradients { Tensor.recomputed($0, part) }
    #expect(calls == 3)
    #expect(plain == twice)
  }

  @Test func `derivatives of its derivative are refused`() {
    let x = Tensor.ones([2])
    x.requiresGradient = true
    let y = Tensor.recomputed(x) { $0 * $0 }.sum()
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors { _ = y.gradients(by: [x], recorded: true) }
    }
    #expect(error?.message.hasPrefix("second derivatives of a part") == true)
  }

  @Test func `the second time has the first one's autocast`() {
    let weight = Tensor.randn([64, 64], using: Generator(seed: 1))
    func gradient(_ apply: @escaping (Tensor, @escaping (Tensor) -> Tensor) -> Tensor) -> [Float] {
      weight.requiresGradient = true
      weight.gradient = nil
      let input = Tensor.randn([8, 64], using: Generator(seed: 2))
      input.requiresGradient = true
      let loss = withAutocast(to: .bfloat16, on: .cpu) {
        apply(input) { $0.linear(weight) }.to(.float32).squared().sum()
      }
      loss.backward()
      return weight.gradient?.floats() ?? []
    }
    #expect(gradient { $1($0) } == gradient { Tensor.recomputed($0, $1) })
  }
}
