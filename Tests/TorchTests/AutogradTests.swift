import TestSupport
import Testing
import Torch

@Suite struct AutogradTests {
  struct Stop: Error {}

  private func leaf(_ values: [Float]) -> Tensor {
    let tensor = Tensor(values)
    tensor.requiresGradient = true
    return tensor
  }

  @Test func `gradients add up and are dropped`() {
    let x = leaf([1, 2])
    #expect(x.requiresGradient && x.gradient == nil)
    (x * x).sum().backward()
    expectClose(x.gradient ?? Tensor(), Tensor([2, 4] as [Float]))
    (x * x).sum().backward()
    expectClose(x.gradient ?? Tensor(), Tensor([4, 8] as [Float]))
    x.gradient = nil
    #expect(x.gradient == nil)
    x.gradient = Tensor([5, 6] as [Float])
    expectClose(x.gradient ?? Tensor(), Tensor([5, 6] as [Float]))
    x.gradient = nil
    (x * x).backward(Tensor([1, 10] as [Float]))
    expectClose(x.gradient ?? Tensor(), Tensor([2, 40] as [Float]))
    x.requiresGradient = false
    #expect(!(x * x).requiresGradient)
  }

  @Test func `gradients by tensors change none, and are derived in turn where they are recorded`() {
    let (x, w, unused) = (leaf([1, 2, 3]), leaf([4, 5, 6]), leaf([7]))
    let middle = x * w
    let y = (middle * middle * middle).sum()
    let found = y.gradients(by: [x, middle, unused], recorded: true)
    #expect(found[0]?.floats() == [192, 1500, 5832])  // 3 (x w)² w
    #expect(found[1]?.floats() == [48, 300, 972])  // 3 (x w)²
    #expect(found[2] == nil && x.gradient == nil && w.gradient == nil)
    found[0]?.sum().backward()
    #expect(x.gradient?.floats() == [384, 1500, 3888])  // 6 x w³
    #expect(w.gradient?.floats() == [144, 900, 2916])  // 9 x² w²
    // The vector–Jacobian product, and nothing that could be derived.
    let product = (x * w).gradients(by: [x], times: leaf([1, 10, 100]).detached())[0]
    #expect(product?.floats() == [4, 50, 600] && product?.requiresGradient == false)
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors { _ = (x * w).gradients(by: [x]) }
    }
    #expect(error?.operation == "gradients")
  }

  @Test func `detached stops and cloned passes`() {
    let x = leaf([3])
    (x.detached() * x).sum().backward()
    expectClose(x.gradient ?? Tensor(), Tensor([3] as [Float]))
    x.gradient = nil
    (x.cloned() * x).sum().backward()
    expectClose(x.gradient ?? Tensor(), Tensor([6] as [Float]))
  }

  @Test func `without gradients nests and ends`() {
    let x = leaf([1])
    func records() -> Bool { (x + x).requiresGradient }
    #expect(records())
    withoutGradients {
      #expect(!records())
      withoutGradients { #expect(!records()) }
      #expect(!records())
      #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
      #expect(!records())
    }
    #expect(records())
    #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
    #expect(records())
    #expect(throws: TorchError.self) {
      try withTorchErrors { withoutGradients { x.reshaped([3]) } }
    }
    #expect(records())
  }

  @Test func `autocast nests and ends`() {
    let x = Tensor.ones([2, 2])
    func type() -> DType { x.matmul(x).dtype }
    #expect(type() == .float32)
    withAutocast(to: .bfloat16, on: .cpu) {
      #expect(type() == .bfloat16)
      #expect((x + x).dtype == .float32)
      #expect(x.linear(x).dtype == .bfloat16)
      #expect(x.linear(x).meanSquaredError(to: x).dtype == .float32)
      withAutocast(to: .float16, on: .cpu) { #expect(type() == .float16) }
      #expect(type() == .bfloat16)
      withAutocast(to: nil, on: .cpu) { #expect(type() == .bfloat16) }
      #expect(throws: Stop.self) {
        try withAutocast(to: .float16, on: .cpu) { throw Stop() }
      }
      #expect(type() == .bfloat16)
    }
    #expect(type() == .float32)
    #expect(throws: Stop.self) {
      try withAutocast(to: .bfloat16, on: .cpu) { throw Stop() }
    }
    #expect(type() == .float32)
    withAutocast(to: nil, on: .cpu) { #expect(type() == .float32) }
  }

  @Test func `autocast gradients are of the weights type`() {
    let w = Tensor.ones([2, 2])
    w.requiresGradient = true
    withAutocast(to: .bfloat16, on: .cpu) { Tensor.ones([3, 2]).linear(w).to(.float32).sum() }
      .backward()
    #expect(w.gradient?.dtype == .float32)
    expectClose(w.gradient ?? Tensor(), Tensor.full([2, 2], 3))
  }

  @Test func `autocast sees weights that changed`() {
    let (x, w) = (Tensor.ones([1, 1]), Tensor.ones([1, 1]))
    w.requiresGradient = true
    func product() -> Double {
      withAutocast(to: .bfloat16, on: .cpu) { x.linear(w).item() }
    }
    #expect(product() == 1)
    withoutGradients { _ = w.fill(2) }
    #expect(product() == 2)
  }

  /// Every differentiable operation against differences in float64: no argument is in a wrong
  /// place.
  @Test func `gradients match differences`() {
    let generator = Generator(seed: 11)
    func random(_ shape: [Int]) -> Tensor { Tensor.randn(shape, using: generator) }
    let (a, b) = (random([2, 3]), random([2, 3]))
    let positive = random([2, 3]).squared() + 0.5
    let unary: [(String, (Tensor) -> Tensor)] = [
      ("+ scalar", { $0 + 1.5 }), ("− scalar", { $0 - 1.5 }), ("scalar −", { 1.5 - $0 }),
      ("× scalar", { $0 * 1.5 }), ("/ scalar", { $0 / 1.5 }), ("scalar /", { 1.5 / $0 }),
      ("−", { -$0 }), ("√", { $0.squareRoot() }), ("1/√", { $0.reciprocalSquareRoot() }),
      ("exp", { $0.exp() }), ("log", { $0.log() }), ("square", { $0.squared() }),
      ("power", { $0.power(2.5) }), ("gelu", { $0.gelu() }), ("softmax", { $0.softmax() }),
      ("softmax 0", { $0.softmax(along: 0) }), ("logSoftmax", { $0.logSoftmax() }),
      ("sum", { $0.sum([0]) }), ("mean", { $0.mean([1], keepingDimensions: true) }),
      ("variance", { $0.variance([1]) }), ("norm", { $0.norm() }),
      ("norm along", { $0.norm(along: 1) }), ("flip", { $0.flipped([1]) }),
      ("reshape", { $0.reshaped([3, 2]) }), ("permute", { $0.permuted([1, 0]) }),
      ("narrow", { $0.narrowed(1, to: 1..<3) }), ("select", { $0.selected(1, along: 1) }),
      ("index_select", { $0.selected(Tensor([2, 0, 2]), along: 1) }),
      ("gathered", { $0.gathered(Tensor([2, 1, 1, 0], shape: [2, 2]), along: 1) }),
      ("expand", { $0.unsqueezed(0).expanded([2, -1, -1]) }),
      ("split", { $0.split(sizes: [1, 2], along: 1)[1] }),
      ("unbind", { $0.unbound(along: 0)[1] }),
      ("cross-entropy", { $0.crossEntropy(with: Tensor([2, 0])) }),
      ("subscript", { $0[1..., .stride(by: 2)] }), ("index", { $0[.all, Tensor([2, 0, 2])] }),
      ("relu", { ($0 - 0.9).relu() }), ("silu", { $0.silu() }), ("sigmoid", { $0.sigmoid() }),
      ("tanh", { $0.tanh() }), ("sin", { $0.sin() }), ("cos", { $0.cos() }),
      ("abs", { ($0 - 0.9).abs() }), ("cumsum", { $0.cumulativeSum(along: 1) }),
      ("max along", { $0.max(along: 1).values }), ("roll", { $0.rolled(by: 1, along: 1) }),
      ("repeat", { $0.repeated([2, 1]) }), ("pad", { $0.padded([1, 2]) }),
      ("clamp", { $0.clamped(to: 0.7...100) }), ("max", { $0.max() }),
    ]
    for (name, function) in unary {
      expectGradients(of: [positive], name) { function($0[0]) }
    }
    let binary: [(String, (Tensor, Tensor) -> Tensor)] = [
      ("+", { $0 + $1 }), ("−", { $0 - $1 }), ("×", { $0 * $1 }), ("/", { $0 / $1.exp() }),
      ("matmul", { $0.matmul($1.transposed(0, 1)) }), ("linear", { $0.linear($1) }),
      ("mse", { $0.meanSquaredError(to: $1) }), ("cat", { concatenated([$0, $1], along: 1) }),
      ("maximum", { $0.maximum($1) }), ("smooth L1", { $0.smoothL1Loss(to: $1, beta: 0.5) }),
      ("binary cross-entropy", { $0.binaryCrossEntropy(with: $1.sigmoid()) }),
      ("einsum", { Tensor.einsum("ij,kj->ik", $0, $1) }),
      (
        "scatter_add",
        { $0.scatterAdded($1, to: Tensor([2, 2, 0, 0, 1, 1], shape: [2, 3]), along: 1) }
      ),
      ("stack", { stacked([$0, $1], along: 2) }),
      ("where", { Tensor.where($0 .> 0, $0, $1) }),
      ("scatter", { $0.scattered($1, to: Tensor([2, 1, 0, 0, 1, 2], shape: [2, 3]), along: 1) }),
    ]
    for (name, function) in binary {
      expectGradients(of: [a, b], name) { function($0[0], $0[1]) }
    }
    expectGradients(of: [a, random([3]), random([3])], "layerNorm") {
      $0[0].layerNorm($0[1], $0[2], epsilon: 1e-6)
    }
    expectGradients(of: [a, random([4, 3]), random([4])], "linear") { $0[0].linear($0[1], $0[2]) }
    for kernel in AttentionKernel.allCases {
      expectGradients(
        of: [random([1, 2, 3, 2]), random([1, 2, 4, 2]), random([1, 2, 4, 2])],
        "attention, \(kernel)"
      ) {
        Tensor.attention(queries: $0[0], keys: $0[1], values: $0[2], kernel: kernel)
      }
    }
  }
}
