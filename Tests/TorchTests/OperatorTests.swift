import TestSupport
import Testing
import Torch

/// Each public operation once, with a tiny input: that its operator exists under its schema name,
/// gets its arguments in their places, and computes what its documentation says.
@Suite struct OperatorTests {
  /// [[1, −2, 3], [−4, 5, −6]]
  let x = Tensor([1, -2, 3, -4, 5, -6] as [Float], shape: [2, 3])
  /// [[2, 2, 2], [4, 4, 4]]
  let y = Tensor([2, 2, 2, 4, 4, 4] as [Float], shape: [2, 3])

  private func expect(
    _ actual: Tensor, _ values: [Float], _ shape: [Int]? = nil, absolute: Double = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectClose(
      actual, Tensor(values, shape: shape ?? [values.count]), absolute: absolute,
      sourceLocation: sourceLocation)
  }

  private func expectWhole(
    _ actual: Tensor, _ values: [Int], _ shape: [Int]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectEqual(
      actual, Tensor(values, shape: shape ?? [values.count]), sourceLocation: sourceLocation)
  }

  private func expectFlags(
    _ actual: Tensor, _ values: [Bool], _ shape: [Int]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectEqual(
      actual, Tensor(values, shape: shape ?? [values.count]), sourceLocation: sourceLocation)
  }

  @Test func arithmetic() {
    expect(x + y, [3, 0, 5, 0, 9, -2], [2, 3])
    expect(x - y, [-1, -4, 1, -8, 1, -10], [2, 3])
    expect(x * y, [2, -4, 6, -16, 20, -24], [2, 3])
    expect(x / y, [0.5, -1, 1.5, -1, 1.25, -1.5], [2, 3])
    expect(x + 0.5, [1.5, -1.5, 3.5, -3.5, 5.5, -5.5], [2, 3])
    expect(x - 0.5, [0.5, -2.5, 2.5, -4.5, 4.5, -6.5], [2, 3])
    expect(0.5 - x, [-0.5, 2.5, -2.5, 4.5, -4.5, 6.5], [2, 3])
    expect(x * 0.5, [0.5, -1, 1.5, -2, 2.5, -3], [2, 3])
    expect(0.5 * x, [0.5, -1, 1.5, -2, 2.5, -3], [2, 3])
    expect(x / 2.0, [0.5, -1, 1.5, -2, 2.5, -3], [2, 3])
    expect(3.0 / y, [1.5, 1.5, 1.5, 0.75, 0.75, 0.75], [2, 3])
    expect(-x, [-1, 2, -3, 4, -5, 6], [2, 3])
    expect(x + Tensor([10, 20, 30] as [Float]), [11, 18, 33, 6, 25, 24], [2, 3])
  }

  @Test func `whole numbers stay whole`() {
    let n = Tensor([1, 2, 3])
    let offset = 2
    expectWhole(n + offset, [3, 4, 5])
    expectWhole(n - offset, [-1, 0, 1])
    expectWhole(n * offset, [2, 4, 6])
    expectWhole(n + n, [2, 4, 6])
    #expect((n * 0.5).dtype == .float32)
  }

  @Test func elementwise() {
    expect(x.abs(), [1, 2, 3, 4, 5, 6], [2, 3])
    expect(y.squareRoot(), [1.4142135, 1.4142135, 1.4142135, 2, 2, 2], [2, 3], absolute: 1e-6)
    expect(
      y.reciprocalSquareRoot(), [0.70710677, 0.70710677, 0.70710677, 0.5, 0.5, 0.5], [2, 3],
      absolute: 1e-6)
    expect(x.squared(), [1, 4, 9, 16, 25, 36], [2, 3])
    expect(Tensor([0, 1] as [Float]).exp(), [1, 2.7182817], absolute: 1e-6)
    expect(Tensor([1, 10] as [Float]).log(), [0, 2.3025851], absolute: 1e-6)
    expect(Tensor([0, .pi / 2] as [Float]).sin(), [0, 1], absolute: 1e-6)
    expect(Tensor([0, .pi] as [Float]).cos(), [1, -1], absolute: 1e-6)
    expect(Tensor([1.5, -1.5, 2.5] as [Float]).floor(), [1, -2, 2])
    expect(Tensor([1.5, -1.5, 2.5] as [Float]).rounded(), [2, -2, 2])
    expect(y.power(3), [8, 8, 8, 64, 64, 64], [2, 3], absolute: 1e-5)
    expect(x.clamped(to: -2...3), [1, -2, 3, -2, 3, -2], [2, 3])
    expect(x.clamped(atLeast: -1), [1, -1, 3, -1, 5, -1], [2, 3])
    expect(
      x.matmul(Tensor([1, 0, 0, 1, 1, 1] as [Float], shape: [3, 2])), [4, 1, -10, -1], [2, 2])
  }

  @Test func comparisons() {
    expectFlags(x .== x.abs(), [true, false, true, false, true, false], [2, 3])
    expectFlags(x .== 3, [false, false, true, false, false, false], [2, 3])
    expectFlags(x .!= x.abs(), [false, true, false, true, false, true], [2, 3])
    expectFlags(x .!= 3, [true, true, false, true, true, true], [2, 3])
    expectFlags(x .< -2, [false, false, false, true, false, true], [2, 3])
    expectFlags(x .> 1, [false, false, true, false, true, false], [2, 3])
    expectFlags(x .<= -2, [false, true, false, true, false, true], [2, 3])
    expectFlags(x .>= 1, [true, false, true, false, true, false], [2, 3])
    let two = Tensor([1, 5, 3] as [Float])
    expectFlags(x .< two, [false, true, false, true, false, true], [2, 3])
    expectFlags(x .<= two, [true, true, true, true, true, true], [2, 3])
    expectFlags(x .> two, [false, false, false, false, false, false], [2, 3])
    expectFlags(x .>= two, [true, false, true, false, true, false], [2, 3])
    expectFlags((x .> 0) .& (x .< 4), [true, false, true, false, false, false], [2, 3])
    expectFlags((x .> 4) .| (x .< -5), [false, false, false, false, true, true], [2, 3])
    expectFlags(.!(x .> 0), [false, true, false, true, false, true], [2, 3])
    expectFlags(Tensor([1, .infinity, .nan] as [Float]).isFinite(), [true, false, false])
    expectFlags(Tensor([1, .infinity, .nan] as [Float]).isNaN(), [false, false, true])
    expect(Tensor.where(x .> 0, x, y), [1, 2, 3, 4, 5, 4], [2, 3])
  }

  @Test func `in place`() {
    let z = x.cloned()
    #expect(expectSame(z.add(y, scale: 0.5), z))
    expect(z, [2, -1, 4, -2, 7, -4], [2, 3])
    z.multiply(by: 2)
    expect(z, [4, -2, 8, -4, 14, -8], [2, 3])
    z.multiply(by: y)
    expect(z, [8, -4, 16, -16, 56, -32], [2, 3])
    z.interpolate(to: Tensor.zeros([2, 3]), weight: 0.25)
    expect(z, [6, -3, 12, -12, 42, -24], [2, 3])
    z.copy(Tensor([1, 2, 3]))
    expect(z, [1, 2, 3, 1, 2, 3], [2, 3])
    z.fill(7)
    expect(z, [7, 7, 7, 7, 7, 7], [2, 3])
    expect(x, [1, -2, 3, -4, 5, -6], [2, 3])
  }

  /// Whether two tensors are the same memory.
  private func expectSame(_ a: Tensor, _ b: Tensor) -> Bool {
    a.withMutableBytes { a in b.withMutableBytes { a.baseAddress == $0.baseAddress } }
  }

  @Test func creation() {
    #expect(Tensor.empty([2, 3], dtype: .int16).shape == [2, 3])
    #expect(Tensor.empty([2, 3], dtype: .int16).dtype == .int16)
    expectEqual(Tensor.zeros([2]), Tensor([0, 0] as [Float]))
    expectEqual(Tensor.zeros([2], dtype: .int64), Tensor([0, 0]))
    expectEqual(Tensor.ones([2], dtype: .uint8), Tensor([1, 1] as [UInt8]))
    expectEqual(Tensor.full([2], 1.5, dtype: .float64), Tensor([1.5, 1.5]))
    expectEqual(Tensor.full([], 3), Tensor(3 as Float))
    expectWhole(Tensor.arange(2..<5), [2, 3, 4])
    expectEqual(Tensor([1, 2] as [Int32]).onesLike(), Tensor([1, 1] as [Int32]))
    expectEqual(Tensor([1, 2] as [Int32]).zerosLike(), Tensor([0, 0] as [Int32]))
  }

  @Test func shapes() {
    expect(x.reshaped([3, -1]), [1, -2, 3, -4, 5, -6], [3, 2])
    expect(x.permuted([1, 0]), [1, -4, -2, 5, 3, -6], [3, 2])
    expect(x.transposed(0, 1), [1, -4, -2, 5, 3, -6], [3, 2])
    #expect(x.unsqueezed(1).shape == [2, 1, 3])
    #expect(x.unsqueezed(1).squeezed(1).shape == [2, 3])
    #expect(x.unsqueezed(0).squeezed(1).shape == [1, 2, 3])
    expect(
      Tensor([1, 2] as [Float], shape: [2, 1]).expanded([-1, 3]), [1, 1, 1, 2, 2, 2], [2, 3])
    #expect(x.reshaped([1, 2, 3, 1]).flattened(from: 1, to: 2).shape == [1, 6, 1])
    #expect(x.flattened().shape == [6])
    expect(x.flipped([1]), [3, -2, 1, -6, 5, -4], [2, 3])
    expect(x.rolled(by: 1, along: 1), [3, 1, -2, -6, -4, 5], [2, 3])
    expect(Tensor([1, 2] as [Float]).repeated([2, 2]), [1, 2, 1, 2, 1, 2, 1, 2], [2, 4])
    expect(x.narrowed(1, to: 1..<3), [-2, 3, 5, -6], [2, 2])
    expect(x.selected(1, along: 0), [-4, 5, -6])
    let row = Tensor.arange(0..<5)
    #expect(row.split(2, along: 0).map { $0.array(of: Int.self) } == [[0, 1], [2, 3], [4]])
    #expect(
      row.split(sizes: [1, 4], along: 0).map { $0.array(of: Int.self) } == [[0], [1, 2, 3, 4]])
    #expect(x.unbound(along: 0).map { $0.floats() } == [[1, -2, 3], [-4, 5, -6]])
    #expect(x.unbound(along: 1).count == 3)
    expect(concatenated([x, y], along: 1), [1, -2, 3, 2, 2, 2, -4, 5, -6, 4, 4, 4], [2, 6])
    expect(
      stacked([x.selected(0, along: 0), y.selected(1, along: 0)], along: 1),
      [1, 4, -2, 4, 3, 4], [3, 2])
    #expect(concatenated([x]).shape == [2, 3] && stacked([x]).shape == [1, 2, 3])
  }

  @Test func `memory and types`() {
    let transposed = x.transposed(0, 1)
    expect(transposed.contiguous(), [1, -4, -2, 5, 3, -6], [3, 2])
    #expect(expectSame(x.contiguous(), x))
    #expect(expectSame(x.to(.float32), x) && expectSame(x.to(.cpu), x))
    #expect(expectSame(x.detached(), x) && !expectSame(x.cloned(), x))
    expectEqual(Tensor([1.9, -1.9]).to(.int32), Tensor([1, -1] as [Int32]))
  }

  @Test func indexing() {
    expect(x.selected(Tensor([2, 0]), along: 1), [3, 1, -6, -4], [2, 2])
    let order = Tensor([2, 1, 0, 0, 2, 1], shape: [2, 3])
    expect(x.gathered(order, along: 1), [3, -2, 1, -4, -6, 5], [2, 3])
    expect(
      Tensor.zeros([2, 3]).scattered(x, to: order, along: 1), [3, -2, 1, -4, -6, 5], [2, 3])
    expectWhole(x.argsort(along: 1), [1, 0, 2, 2, 0, 1], [2, 3])
    expectWhole(x.argsort(along: 1, descending: true), [2, 0, 1, 1, 0, 2], [2, 3])
    expectWhole(x.argmax(along: 1), [2, 1])
    expectWhole(x.argmax(along: 0), [0, 1, 0])
    let top = x.topK(2)
    expect(top.values, [3, 1, 5, -4], [2, 2])
    expectWhole(top.indices, [2, 0, 1, 0], [2, 2])
    let first = x.topK(1, along: 0)
    expect(first.values, [1, 5, 3], [1, 3])
    expectWhole(first.indices, [0, 1, 0], [1, 3])
    let ordered = x.sorted(along: 1, descending: true)
    expect(ordered.values, [3, 1, -2, 5, -4, -6], [2, 3])
    expectWhole(ordered.indices, [2, 0, 1, 1, 0, 2], [2, 3])
    expectWhole(x.argmin(along: 1), [1, 2])
    expectWhole(x.argmax(along: 1, keepingDimensions: true), [2, 1], [2, 1])
    expectWhole((x .> 2).nonzero(), [0, 2, 1, 1], [2, 2])
    expectWhole(Tensor([2, 0]).oneHot(3), [0, 0, 1, 1, 0, 0], [2, 3])
    expect(
      Tensor.ones([2, 3]).scatterAdded(
        x, to: Tensor([0, 0, 2, 1, 1, 1], shape: [2, 3]), along: 1),
      [0, 1, 4, 1, -4, 1], [2, 3])
  }

  @Test func reductions() {
    expect(x.sum(), [-3], [])
    expect(x.sum([0]), [-3, 3, -3])
    expect(x.sum([1], keepingDimensions: true), [2, -5], [2, 1])
    expect(x.mean(), [-0.5], [])
    expect(x.mean([0]), [-1.5, 1.5, -1.5])
    expect(x.mean([-1], keepingDimensions: true), [2 / 3, -5 / 3], [2, 1], absolute: 1e-6)
    expect(x.variance([0]), [12.5, 24.5, 40.5])
    expect(x.variance([0], correction: 0, keepingDimensions: true), [6.25, 12.25, 20.25], [1, 3])
    expect(x.max(), [5], [])
    expect(x.min(), [-6], [])
    expectFlags(x.isFinite().all(), [true], [])
    expectFlags((x .> 0).all(), [false], [])
    expectFlags((x .> 0).any(), [true], [])
    expectFlags((x .> 5).any(), [false], [])
    let (largest, places) = x.max(along: 1)
    expect(largest, [3, 5])
    expectWhole(places, [2, 1])
    let (smallest, lows) = x.min(along: 0, keepingDimensions: true)
    expect(smallest, [-4, -2, -6], [1, 3])
    expectWhole(lows, [1, 0, 1], [1, 3])
    expect(x.maximum(y), [2, 2, 3, 4, 5, 4], [2, 3])
    expect(x.minimum(y), [1, -2, 2, -4, 4, -6], [2, 3])
    expect(x.cumulativeSum(along: 1), [1, -1, 2, -4, 1, -5], [2, 3])
    expect(Tensor([3, 4] as [Float]).norm(), [5], [])
    expect(
      Tensor([3, 4, 6, 8] as [Float], shape: [2, 2]).norm(along: 1, keepingDimensions: true),
      [5, 10], [2, 1])
    expect(
      Tensor([3, 4, 6, 8] as [Float], shape: [2, 2]).norm(along: 0).squared(), [45, 80],
      absolute: 1e-4)
  }

  @Test func layers() {
    let weight = Tensor([1, 0, 0, 0, 0, 1] as [Float], shape: [2, 3])
    expect(x.linear(weight), [1, 3, -4, -6], [2, 2])
    expect(x.linear(weight, Tensor([10, 20] as [Float])), [11, 23, 6, 14], [2, 2])
    let (two, one) = (Tensor([2, 2, 2] as [Float]), Tensor([1, 1, 1] as [Float]))
    expect(
      Tensor([1, 2, 3] as [Float]).layerNorm(two, one, epsilon: 1.0 / 3), [-1, 1, 3],
      absolute: 1e-6)
    expect(Tensor([0, 1, -1] as [Float]).gelu(), [0, 0.8413447, -0.1586553], absolute: 1e-6)
    let scores = Tensor([0, 0, 0, 1.0986123] as [Float], shape: [2, 2])  // log 3
    expect(scores.softmax(), [0.5, 0.5, 0.25, 0.75], [2, 2], absolute: 1e-6)
    expect(scores.softmax(along: 0), [0.5, 0.25, 0.5, 0.75], [2, 2], absolute: 1e-6)
    expectClose(scores.logSoftmax().exp(), scores.softmax(), absolute: 1e-6)
    expect(x.meanSquaredError(to: y), [Float(1 + 16 + 1 + 64 + 1 + 100) / 6], [], absolute: 1e-5)
    // −(log ½ + log ¾) / 2
    expect(scores.crossEntropy(with: Tensor([0, 1])), [0.4904146], [], absolute: 1e-6)
  }

  @Test func attention() {
    // One head, keys that single out the first value for the first query.
    let queries = Tensor([40, 0, 0, 0] as [Float], shape: [1, 1, 2, 2])
    let keys = Tensor([10, 0, -10, 0, -10, 0] as [Float], shape: [1, 1, 3, 2])
    let values = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [1, 1, 3, 2])
    for kernel in [nil] + AttentionKernel.allCases.map(Optional.some) {
      expect(
        Tensor.attention(queries: queries, keys: keys, values: values, kernel: kernel),
        [1, 2, 3, 4], [1, 1, 2, 2], absolute: 1e-5)
      // Scaled by √d: e^(2/√2 …) against 1.
      let scaled = Tensor.attention(
        queries: Tensor([1, 1] as [Float], shape: [1, 1, 1, 2]),
        keys: Tensor([1, 1, 0, 0] as [Float], shape: [1, 1, 2, 2]),
        values: Tensor([1, 0, 0, 1] as [Float], shape: [1, 1, 2, 2]), kernel: kernel)
      expect(scaled, [0.8044297, 0.1955703], [1, 1, 1, 2], absolute: 1e-6)
    }
  }

  @Test func properties() {
    #expect(x.shape == [2, 3] && x.rank == 2 && x.count == 6)
    #expect(x.dtype == .float32 && x.device == .cpu && x.isDefined)
    #expect(Tensor(4.25).item() == 4.25 && Tensor(4.25).shape == [])
    #expect(Tensor(7).item() == 7)
    #expect("\(Tensor([1, 2]))".contains("1\n 2"))
    #expect(!Tensor().isDefined && "\(Tensor())".isEmpty == false)
    #expect(Tensor.zeros([0, 3]).count == 0 && Tensor.zeros([0, 3]).floats() == [])
  }

  @Test func `lists of every kind`() throws {
    let padded = try Op("constant_pad_nd").attempt(x, [1, 0], 9.0)
    expect(padded, [9, 1, -2, 3, 9, -4, 5, -6], [2, 4])
    let widened = try Op("upsample_nearest2d", "vec")
      .attempt(x.reshaped([1, 1, 2, 3]), [Int]?.none, [2.0, 1.0])
    #expect(widened.shape == [1, 1, 4, 3])
    let picked = try Op("index", "Tensor").attempt(x, [Tensor([1])])
    expect(picked, [-4, 5, -6], [1, 3])
    let tanh = try Op("gelu").attempt(Tensor([1] as [Float]), Named("approximate", "tanh"))
    expect(tanh, [0.841192], absolute: 1e-6)
    let mixed = try Op("add", "Tensor").attempt(x, Named("alpha", 2), Named("other", y))
    expect(mixed, [5, 2, 7, 4, 13, 2], [2, 3])
  }
}
