import Dispatch
import Foundation
import TestSupport
import Testing
import Torch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The block in one operator against the operators that it is composed of.
@Suite struct TransformerBlockTests {
  /// What a block is computed of.
  struct Case: Sendable, Codable {
    var images = 5
    var tokens = 17
    var width = 48
    var heads = 3
    var hidden = 96
    var queries: Range<Int>?
    var hasBias = true
    /// Whether branches of images are multiplied by factors, zeros among them.
    var hasFactors = false
    /// Whether tokens and the gradient lie in memory otherwise than row by row.
    var isStrided = false
  }

  /// Inputs in the order of the composition: tokens, weights, factors.
  struct Inputs {
    var tokens: Tensor
    var weights: [Tensor]
    var bias: Tensor?
    var factors: [Tensor?]

    init(_ test: Case) {
      let generator = Generator(seed: UInt64(test.images * 1000 + test.tokens))
      func random(_ shape: [Int], scale: Double = 1, mean: Double = 0) -> Tensor {
        Tensor.randn(shape, using: generator) * scale + mean
      }
      let (d, f) = (test.width, test.hidden)
      let (wide, deep) = (1 / Double(d).squareRoot(), 1 / Double(f).squareRoot())
      tokens = random([test.images, test.tokens, d])
      weights = [
        random([d], scale: 0.1, mean: 1), random([d], scale: 0.1), random([3 * d, d], scale: wide),
        random([d, d], scale: wide), random([d], scale: 0.1), random([d], scale: 0.1, mean: 1),
        random([d], scale: 0.1), random([f, d], scale: wide), random([f], scale: 0.1),
        random([d, f], scale: deep), random([d], scale: 0.1),
      ]
      bias = test.hasBias ? random([3 * d], scale: 0.1) : nil
      let some = (0..<2).map { _ in
        (Tensor.rand([test.images], using: generator) .> 0.3).to(.float32) / 0.7
      }
      factors = test.hasFactors ? some : [nil, nil]
    }
  }

  /// Norm, attention, sum; norm, perceptron, sum: operator by operator.
  static func composed(
    _ x: Tensor, _ w: [Tensor], _ bias: Tensor?, _ factors: [Tensor?], _ test: Case
  ) -> Tensor {
    let shape = [test.images, test.tokens, 3, test.heads, test.width / test.heads]
    let parts = x.layerNorm(w[0], w[1], epsilon: 1e-6).linear(w[2], bias).reshaped(shape)
      .permuted([2, 0, 3, 1, 4]).unbound(along: 0)
    let chosen = test.queries ?? 0..<test.tokens
    let mixed = Tensor.attention(
      queries: parts[0].narrowed(2, to: chosen), keys: parts[1], values: parts[2], kernel: .plain)
    func scaled(_ branch: Tensor, _ factors: Tensor?) -> Tensor {
      factors.map { branch * $0.reshaped([-1, 1, 1]) } ?? branch
    }
    let change = mixed.transposed(1, 2).flattened(from: 2).linear(w[3], w[4])
    let y = x.narrowed(1, to: chosen) + scaled(change, factors[0])
    let hidden = y.layerNorm(w[5], w[6], epsilon: 1e-6).linear(w[7], w[8]).gelu()
    return y + scaled(hidden.linear(w[9], w[10]), factors[1])
  }

  private static let operation = Op("block", namespace: "swift_mae")

  private static func fused(
    _ x: Tensor, _ w: [Tensor], _ bias: Tensor?, _ factors: [Tensor?], _ test: Case
  ) -> Tensor {
    operation(
      x, w, bias, factors[0], factors[1], test.heads, test.queries?.lowerBound ?? 0,
      test.queries?.count ?? -1, 1e-6)
  }

  private typealias Way = (Tensor, [Tensor], Tensor?, [Tensor?], Case) -> Tensor

  /// The result and all gradients of a way.
  private static func values(
    _ test: Case, as type: DType, _ way: Way
  ) -> [Tensor] {
    let inputs = Inputs(test)
    func leaf(_ tensor: Tensor) -> Tensor {
      let leaf = tensor.to(type).detached().cloned()
      leaf.requiresGradient = true
      return leaf
    }
    let (tokens, weights) = (leaf(inputs.tokens), inputs.weights.map(leaf))
    let bias = inputs.bias.map(leaf)
    // The same values with other strides.
    func moved(_ x: Tensor) -> Tensor {
      test.isStrided ? x.permuted([2, 0, 1]).contiguous().permuted([1, 2, 0]) : x
    }
    let y = way(moved(tokens), weights, bias, inputs.factors.map { $0?.to(type) }, test)
    let upstream = Tensor.randn(y.shape, using: Generator(seed: 9)).to(type)
    y.backward(moved(upstream))
    return [y.detached()]
      + ([tokens] + weights + [bias].compactMap(\.self)).map {
        $0.gradient ?? Tensor()
      }
  }

  private static let cases = [
    Case(images: 9, tokens: 17, width: 64, heads: 2, hidden: 208),
    Case(images: 35, tokens: 17, width: 48, heads: 3, hidden: 96, hasFactors: true),
    Case(images: 4, tokens: 50, width: 32, heads: 2, hidden: 1040),
    Case(images: 20, tokens: 65, width: 48, heads: 3, hidden: 96, queries: 17..<65),
    Case(images: 3, tokens: 197, width: 32, heads: 1, hidden: 64, queries: 49..<197),
    Case(images: 7, tokens: 5, width: 24, heads: 3, hidden: 40, queries: 1..<4, hasFactors: true),
    Case(images: 2, tokens: 33, width: 20, heads: 5, hidden: 12, queries: 0..<1, hasBias: false),
    Case(images: 6, tokens: 7, width: 40, heads: 5, hidden: 200, hasBias: false, isStrided: true),
    Case(images: 1, tokens: 1, width: 16, heads: 1, hidden: 16, isStrided: true),
  ]

  @Test(arguments: [1, 2, 3, 4])
  func `result and gradients are those of the composition in float64`(threads: Int) async {
    await #expect(processExitsWith: .success) { [threads] in
      Engine.threads = threads
      for test in Self.cases {
        let found = Self.values(test, as: .float32, Self.fused)
        let expected = Self.values(test, as: .float64, Self.composed)
        #expect(found.count == expected.count)
        for (index, (found, expected)) in zip(found, expected).enumerated() {
          expectClose(found, expected, ofLargest: 4e-6, "\(test), \(index)")
        }
        // Once more: the same bytes. Without gradients: the same bytes.
        for (first, second) in zip(found, Self.values(test, as: .float32, Self.fused)) {
          expectEqual(first, second)
        }
        let inputs = Inputs(test)
        withoutGradients {
          expectEqual(
            Self.fused(inputs.tokens, inputs.weights, inputs.bias, inputs.factors, test), found[0])
        }
      }
    }
  }

  /// A worker whose operators may use a share of the threads keeps it through its first block, which
  /// needs memory for as many threads as compute it.
  @Test func `a worker's share of the threads holds in a block`() async {
    await #expect(processExitsWith: .success) {
      let test = Case(images: 64, tokens: 50)
      let inputs = Inputs(test)
      let compute = { @Sendable in
        let inputs = Inputs(test)
        return Self.fused(inputs.tokens, inputs.weights, inputs.bias, inputs.factors, test).floats()
      }
      let (taken, changed, ended) = (
        DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
      )
      Engine.threads = 1
      let expected = Self.fused(
        inputs.tokens, inputs.weights, inputs.bias, inputs.factors, test
      ).floats()
      Thread {
        _ = Engine.threads  // The process's number is taken over.
        taken.signal()
        changed.wait()
        #expect(compute() == expected)
        #expect(Engine.threads == 1)
        ended.signal()
      }.start()
      taken.wait()
      Engine.threads = 4
      changed.signal()
      ended.wait()
      #expect(Engine.threads == 4)
    }
  }

  @Test func `the composition has the gradients of finite differences`() {
    let test = Case(
      images: 2, tokens: 3, width: 4, heads: 2, hidden: 4, queries: 1..<3, hasFactors: true)
    let inputs = Inputs(test)
    expectGradients(
      of: [inputs.tokens] + inputs.weights + [inputs.bias].compactMap(\.self), tolerance: 1e-6
    ) { leaves in
      Self.composed(
        leaves[0], Array(leaves[1..<12]), leaves[12], inputs.factors.map { $0?.to(.float64) }, test)
    }
  }

  /// A penalty on gradients, such as Gulrajani et al. (2017) have, wants their derivatives.
  @Test func `derivatives of derivatives are those of the composition in float64`() {
    func penalty(_ test: Case, as type: DType, _ way: Way) -> [Tensor] {
      let inputs = Inputs(test)
      func leaf(_ tensor: Tensor) -> Tensor {
        let leaf = tensor.to(type).detached().cloned()
        leaf.requiresGradient = true
        return leaf
      }
      let leaves =
        ([inputs.tokens] + inputs.weights + [inputs.bias].compactMap(\.self)).map(leaf)
      let frozen = 4
      leaves[frozen].requiresGradient = false
      // The tokens are computed from a leaf, and with other strides where the case says so.
      let tokens =
        test.isStrided
        ? (leaves[0] * 2).permuted([2, 0, 1]).contiguous().permuted([1, 2, 0]) : leaves[0] * 2
      let y = way(
        tokens, Array(leaves[1..<12]), test.hasBias ? leaves[12] : nil,
        inputs.factors.map { $0?.to(type) }, test)
      let upstream = Tensor.randn(y.shape, using: Generator(seed: 9)).to(type)
      let wanted = leaves.indices.filter { $0 != frozen }
      let first = y.gradients(
        by: [tokens] + wanted.dropFirst().map { leaves[$0] }, times: upstream, recorded: true)
      let sum = first.compactMap { $0?.squared().sum() }.reduce(Tensor.zeros([]).to(type), +)
      sum.backward()
      #expect(first.allSatisfy { $0 != nil } && leaves[frozen].gradient == nil)
      // The last bias has none: the result is linear in it.
      return first.compactMap { $0?.detached() } + [sum.detached()]
        + wanted.compactMap { leaves[$0].gradient }
    }
    for test in Self.cases {
      let found = penalty(test, as: .float32, Self.fused)
      let expected = penalty(test, as: .float64, Self.composed)
      #expect(found.count == expected.count && found.count == (test.hasBias ? 24 : 22))
      for (index, (found, expected)) in zip(found, expected).enumerated() {
        expectClose(found, expected, ofLargest: 2e-5, "\(test), \(index)")
      }
    }
  }

  /// Weights that are frozen get none, the others theirs.
  @Test func `frozen weights get no gradients`() {
    let test = Case()
    let inputs = Inputs(test)
    for (index, weight) in inputs.weights.enumerated() { weight.requiresGradient = index % 2 == 0 }
    Self.fused(inputs.tokens, inputs.weights, inputs.bias, inputs.factors, test).sum().backward()
    let own = inputs.weights.map(\.gradient)
    let again = Inputs(test)
    for weight in again.weights { weight.requiresGradient = true }
    Self.composed(again.tokens, again.weights, again.bias, again.factors, test).sum().backward()
    for (index, gradient) in own.enumerated() {
      #expect((gradient != nil) == (index % 2 == 0))
      if let gradient, let other = again.weights[index].gradient {
        expectClose(gradient, other, ofLargest: 4e-6, "\(index)")
      }
    }
    #expect(inputs.tokens.gradient == nil)
  }

  /// A part of a network that is computed again in the backward pass.
  @Test func `a block is computed again for its gradients`() {
    let test = Case(hasFactors: true)
    func gradients(_ isAgain: Bool) -> [Tensor] {
      let inputs = Inputs(test)
      let leaves = [inputs.tokens] + inputs.weights
      for leaf in leaves { leaf.requiresGradient = true }
      let body = { Self.fused($0, inputs.weights, inputs.bias, inputs.factors, test) }
      (isAgain ? Tensor.recomputed(inputs.tokens, body) : body(inputs.tokens)).squared().sum()
        .backward()
      return leaves.compactMap(\.gradient)
    }
    let (once, twice) = (gradients(false), gradients(true))
    #expect(once.count == 12 && twice.count == 12)
    for (one, other) in zip(once, twice) { expectEqual(one, other) }
  }

  /// What is no number stays visible, and does not spread to other images.
  @Test func `not a number passes through`() {
    let test = Case(images: 3)
    let inputs = Inputs(test)
    let tokens = inputs.tokens.cloned()
    tokens.narrowed(0, to: 1..<2).narrowed(1, to: 3..<4).fill(.nan)
    let y = Self.fused(tokens, inputs.weights, inputs.bias, inputs.factors, test)
    let isNumber = (y .== y).to(.float32)
    #expect(isNumber[1].sum().item() == 0)
    #expect(isNumber[0].mean().item() == 1 && isNumber[2].mean().item() == 1)
  }

  @Test func `what does not fit is refused`() {
    let test = Case()
    let inputs = Inputs(test)
    func message(_ inputs: Inputs, _ test: Case) -> String {
      do throws(TorchError) {
        _ = try withTorchErrors {
          Self.fused(inputs.tokens, inputs.weights, inputs.bias, inputs.factors, test)
        }
        return "accepted"
      } catch {
        return error.message
      }
    }
    var changed = inputs
    changed.weights.removeLast()
    #expect(message(changed, test) == "block: 10 weights, expected 11")
    changed = inputs
    changed.tokens = inputs.tokens.to(.float64)
    #expect(message(changed, test).contains("expected float32"))
    changed = inputs
    changed.bias = Tensor.zeros([5])
    #expect(message(changed, test).contains("qkv's bias is [5]"))
    var other = test
    other.heads = 5
    #expect(message(inputs, other) == "block: 5 heads do not divide a width of 48")
    other.heads = 24
    #expect(message(inputs, other).hasPrefix("block: no kernel for"))
    other = test
    other.queries = 10..<20
    #expect(message(inputs, other) == "block: queries 10..<20 of 17 tokens of 5 images")
  }
}
