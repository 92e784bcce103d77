import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import WeightExchange

/// Weights for other images, patches and channels: as timm resizes them, and as they must behave.
@Suite struct AdaptingTests {
  static let golden = Golden("adapting")

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let kind: String
    let name: String
    let before: [Int]
    let after: [Int]
    var testDescription: String { "\(kind) \(name)" }
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `is timms`(_ test: Case) throws {
    let golden = try Self.golden.tensors(test.kind + ".safetensors")
    let before = try golden[test.name + ".before"]
    let found =
      switch test.kind {
      case "positions":
        resampledPositions(
          before, from: PatchGrid(rows: test.before[0], columns: test.before[1]),
          to: PatchGrid(rows: test.after[0], columns: test.after[1]))
      case "kernels": resampledPatchKernels(before, side: test.after[0])
      default: adaptedPatchKernels(before, channels: test.after[0])
      }
    var tolerance = try Self.golden.tolerance()
    // timm inverts the resizing of kernels in float32: small elements are as far off as large ones,
    // up to 1.4e-5 (the manifest's note), because terms cancel.
    if test.kind == "kernels" { tolerance.ofLargest = 5e-6 }
    expectClose(found, try golden[test.name + ".after"], within: tolerance)
  }

  private static func model(
    height: Int = 16, width: Int = 16, channels: Int = 3, patch: Int = 4, heads: Int = 2,
    depth: Int = 2
  ) -> ModelConfiguration {
    ModelConfiguration(
      height: height, width: width, channels: channels, patch: patch,
      encoder: TransformerShape(width: 12, depth: depth, heads: heads),
      decoder: TransformerShape(width: 8, depth: 1, heads: 2))
  }

  /// An encoder of all patches, after the last norm.
  private func output(
    _ configuration: ModelConfiguration, _ weights: [String: Tensor], _ images: Tensor
  ) throws -> Tensor {
    let store = ParameterStore(initializing: nil)
    let encoder = PatchEncoder(configuration, in: store.root)
    try store.load(weights.filter { !$0.key.hasPrefix("decoder_") && $0.key != "mask_token" })
    return withoutGradients { encoder(patches(of: images, side: configuration.patch)) }
  }

  /// Weights of a random encoder and decoder.
  private func weights(_ configuration: ModelConfiguration) -> [String: Tensor] {
    let test = TestModel(configuration, randomizing: 3)
    return Dictionary(uniqueKeysWithValues: test.store.weights.map { ($0.name, $0.tensor) })
  }

  /// Patches and kernels resized together leave the output as it was, where they grow (Beyer et
  /// al., 2023, §3.4).
  @Test(arguments: [5, 6, 8, 16])
  func `growing patches change nothing`(side: Int) throws {
    let (small, large) = (Self.model(), Self.model(height: 4 * side, width: 4 * side, patch: side))
    let weights = weights(small)
    let images = Tensor.randn([2, 3, 16, 16], using: Generator(seed: 4))
    let cut = patches(of: images, side: 4)  // [2, 16, 48], each patch resized on its own
    let grown = cut.reshaped([32, 4, 4, 3]).permuted([0, 3, 1, 2])
      .interpolated(rows: side, columns: side, mode: .bicubic).permuted([0, 2, 3, 1])
    let resized = MaskedAutoencoders.images(
      from: grown.reshaped([2, 16, -1]), grid: large.grid, side: side)
    expectClose(
      try output(large, try adapted(weights, from: small, to: large), resized),
      try output(small, weights, images), absolute: 1e-4)
  }

  /// Positions that rise evenly rise as evenly on another grid, away from its border.
  @Test(arguments: [(16, 24), (24, 16), (12, 32)])
  func `even slopes stay even`(rows: Int, columns: Int) {
    func slope(_ grid: PatchGrid) -> Tensor {  // [rows, columns], by the patches' centres
      let down = (Tensor.arange(0..<grid.rows).to(.float32) + 0.5) * (3 / Double(grid.rows))
      let right = (Tensor.arange(0..<grid.columns).to(.float32) + 0.5) * (5 / Double(grid.columns))
      return down.unsqueezed(1) - right
    }
    func inner(_ picture: Tensor) -> Tensor {  // without the border that cubic weights reach over
      let (height, width) = (picture.shape[0], picture.shape[1])
      return picture.narrowed(0, to: height / 4..<height * 3 / 4)
        .narrowed(1, to: width / 4..<width * 3 / 4)
    }
    let (grid, target) = (
      PatchGrid(rows: 12, columns: 16), PatchGrid(rows: rows, columns: columns)
    )
    let table = concatenated([Tensor.full([1], 7), slope(grid).flattened()])
      .reshaped([1, 1 + grid.count, 1])
    let found = resampledPositions(table, from: grid, to: target).flattened()
    #expect(found.floats()[0] == 7)
    let picture = found.narrowed(0, to: 1..<1 + target.count).reshaped([rows, columns])
    expectClose(inner(picture), inner(slope(target)), absolute: 1e-5)
  }

  /// A gray picture shown to one channel is the same picture shown to three.
  @Test func `one channel stands for all`() throws {
    let (colour, gray) = (Self.model(), Self.model(channels: 1))
    let weights = weights(colour)
    let images = Tensor.randn([2, 1, 16, 16], using: Generator(seed: 5))
    expectClose(
      try output(gray, try adapted(weights, from: colour, to: gray), images),
      try output(colour, weights, images.expanded([2, 3, 16, 16]).contiguous()), absolute: 1e-4)
    let six = Self.model(channels: 6)
    expectClose(
      try output(
        six, try adapted(weights, from: colour, to: six),
        images.expanded([2, 6, 16, 16]).contiguous()),
      try output(colour, weights, images.expanded([2, 3, 16, 16]).contiguous()), absolute: 1e-4)
  }

  @Test func `every shape is the targets`() throws {
    let from = Self.model(height: 24, width: 8)
    var tensors = weights(from)
    tensors["head.weight"] = Tensor.ones([5, 12])
    try withEvery("height", in: [8, 16, 24]) { height in
      try withEvery("patch", in: [2, 4, 8]) { patch in
        try withEvery("channels", in: [1, 3, 5]) { channels in
          let target = Self.model(height: height, width: 16, channels: channels, patch: patch)
          let result = try adapted(tensors, from: from, to: target)
          let keepsDecoder = patch == 4 && channels == 3
          var expected = target.weightShapes(decoder: keepsDecoder)
          expected.append(("head.weight", [5, 12]))
          let mismatch = WeightMismatch(found: result.mapValues(\.shape), expected: expected)
          #expect(mismatch == nil, "\(mismatch?.description ?? "")")
        }
      }
    }
  }

  @Test func `nothing changes where nothing differs`() throws {
    let weights = weights(Self.model())
    let result = try adapted(weights, from: Self.model(), to: Self.model())
    #expect(result.keys.sorted() == weights.keys.sorted())
    for (name, tensor) in weights { expectEqual(result[name] ?? Tensor(), tensor, name) }
  }

  @Test func `short types stay short`() throws {
    let short = weights(Self.model()).mapValues { $0.to(.bfloat16) }
    let result = try adapted(
      short, from: Self.model(), to: Self.model(height: 24, width: 24, channels: 1, patch: 8))
    #expect(result.values.allSatisfy { $0.dtype == .bfloat16 })
  }

  @Test func `what cannot be adapted is said`() throws {
    let from = Self.model()
    var tensors = weights(from)
    func message(_ target: ModelConfiguration) -> String {
      do {
        _ = try adapted(tensors, from: from, to: target)
        return "nothing"
      } catch {
        return error.description
      }
    }
    #expect(
      message(Self.model(heads: 3))
        == "the encoder is 12 × 2, 2 heads in the weights and 12 × 2, 3 heads in the model; image "
        + "size, patch size and channels can be adapted, the blocks cannot")
    #expect(message(Self.model(depth: 3)).contains("12 × 3"))
    #expect(message(Self.model(height: 18)).hasPrefix("height is 18, which the patch size 4"))
    tensors["pos_embed"] = Tensor.zeros([1, 5, 12])
    #expect(
      message(Self.model(height: 32))
        == "pos_embed is [1, 5, 12], expected [1, 17, 12] of a model for images of 16 × 16 × 3 in "
        + "patches of 4")
  }
}
