import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import DenseHeads

@Suite struct BackboneTests {
  static let tolerance = Golden.Tolerance(absolute: 1e-5, relative: 1e-5)

  @Test func `windows put a grid together again, whatever its sides`() {
    withEvery("rows", in: [1, 3, 4, 7]) { rows in
      withEvery("columns", in: [2, 3, 5]) { columns in
        let windows = Windows(of: PatchGrid(rows: rows, columns: columns), side: 3)
        let x = Tensor.randn([2, rows * columns, 4], using: Generator(seed: 1))
        let divided = windows.divided(x)
        #expect(divided.shape == [2 * windows.count.count, 9, 4])
        #expect(windows.joined(divided).floats() == x.floats())
        // What was added is zero.
        expectClose(divided.abs().sum(), x.abs().sum(), within: Self.tolerance)
      }
    }
  }

  @Test func `a window holds the patches that lie together`() {
    let windows = Windows(of: PatchGrid(rows: 4, columns: 4), side: 2)
    let x = Tensor((0..<16).map(Float.init), shape: [1, 16, 1])
    #expect(windows.divided(x)[1].floats() == [2, 3, 6, 7])
  }

  /// The product with appended rows and columns is the product with a bias, gradients too.
  @Test func `decomposed positions in the fused product are those of a bias`() {
    let grid = PatchGrid(rows: 3, columns: 5)
    let store = ParameterStore(initializing: nil)
    let positions = DecomposedPositions(grid, headWidth: 4, in: store.root)
    store.randomize(seed: 1)
    let parts = (2..<5).map { Tensor.randn([2, 3, 15, 4], using: Generator(seed: $0)) }
    func run(_ kernel: AttentionKernel) -> [Tensor] {
      for part in parts {
        part.requiresGradient = true
        part.gradient = nil
      }
      let mixed = positions.attention(
        queries: parts[0], keys: parts[1], values: parts[2], over: grid, kernel: kernel)
      mixed.backward(Tensor.randn(mixed.shape, using: Generator(seed: 9)))
      let gradients = store.takeGradients()
      return [mixed] + parts.map { $0.gradient ?? Tensor() }
        + gradients.keys.sorted().map { gradients[$0] ?? Tensor() }
    }
    for (fused, plain) in zip(run(.fused), run(.plain)) {
      expectClose(fused, plain, within: Self.tolerance)
    }
  }

  @Test func `an encoder with positions at zero is the encoder without them`() {
    let configuration = ModelConfiguration(
      height: 16, width: 16, patch: 4,
      encoder: TransformerShape(width: 12, depth: 2, heads: 3), decoder: nil)
    let images = Tensor.randn([2, 3, 16, 16], using: Generator(seed: 7))
    let store = ParameterStore(initializing: Generator(seed: 3))
    let plain = PatchEncoder(configuration, trainsPositions: true, hasNorm: false, in: store.root)
    let expected = plain(patches(of: images, side: 4))[.all, 1...]
    for relative in [BackboneShape.RelativePositions.none, .tables] {
      let own = ParameterStore(initializing: Generator(seed: 3))
      let encoder = FeatureEncoder(
        configuration, BackboneShape(taps: [1, 2], relativePositions: relative, layerScale: 1),
        in: own.root)
      let maps = encoder(images)
      #expect(maps.map(\.shape) == [[2, 12, 4, 4], [2, 12, 4, 4]])
      expectClose(
        maps[1].flattened(from: 2).transposed(1, 2), expected, within: Self.tolerance,
        "\(relative)")
    }
  }

  @Test func `images of other sizes go through each form`() {
    let configuration = ModelConfiguration(
      height: 16, width: 16, patch: 4,
      encoder: TransformerShape(width: 12, depth: 4, heads: 3), decoder: nil)
    let grid = PatchGrid(rows: 4, columns: 4)
    for shape in [
      BackboneShape.segmentation(depth: 4), .vitDet(depth: 4, grid: grid),
      .benchmark(depth: 4, grid: grid),
    ] {
      let store = ParameterStore(initializing: Generator(seed: 3))
      let encoder = FeatureEncoder(configuration, shape, in: store.root)
      store.randomize(seed: 4)
      let maps = encoder(Tensor.randn([1, 3, 12, 24], using: Generator(seed: 1)))
      #expect(maps.allSatisfy { $0.shape == [1, 12, 3, 6] && $0.isFinite().all().item() == 1 })
    }
  }

  @Test func `drop path draws the same for a block that is computed twice`() {
    let configuration = ModelConfiguration(
      height: 16, width: 16, patch: 4,
      encoder: TransformerShape(width: 12, depth: 3, heads: 3), decoder: nil)
    func gradients(recomputes: Bool) -> [String: Tensor] {
      let store = ParameterStore(initializing: Generator(seed: 3))
      let encoder = FeatureEncoder(configuration, BackboneShape(taps: [3]), in: store.root)
      let images = Tensor.randn([4, 3, 16, 16], using: Generator(seed: 1))
      let training = DenseTraining(
        paths: DropPath(rate: 0.5, using: Generator(seed: 8)), recomputes: recomputes)
      encoder(images, training: training)[0].squared().sum().backward()
      return store.takeGradients()
    }
    let (twice, once) = (gradients(recomputes: true), gradients(recomputes: false))
    for (name, gradient) in once { #expect(twice[name]?.floats() == gradient.floats(), "\(name)") }
  }

  @Test func `shapes that cannot be are refused with their field`() {
    func paths(_ shape: BackboneShape) -> [String] { shape.problems(depth: 4).map(\.path) }
    #expect(paths(.segmentation(depth: 4)) == [])
    #expect(paths(BackboneShape(taps: [])) == ["taps"])
    #expect(paths(BackboneShape(taps: [2, 5])) == ["taps"])
    #expect(paths(BackboneShape(taps: [4], window: 2)) == ["hasClassToken"])
    #expect(
      paths(BackboneShape(taps: [4], relativePositions: .decomposed)) == ["hasClassToken"])
    #expect(
      paths(BackboneShape(taps: [4], hasClassToken: false, window: 0, globalBlocks: [9]))
        == ["globalBlocks", "window"])
  }
}
