import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

@testable import DenseHeads

/// Encoders over whole images against transformers and timm, forward and backward.
@Suite struct EncoderGoldenTests {
  static let golden = Golden("dense")

  /// Runs an encoder with a golden's weights, and compares its maps and all gradients.
  private func check(
    _ name: String, _ configuration: ModelConfiguration, _ shape: BackboneShape,
    recomputes: Bool = false, skipping skipped: [String] = [],
    changing change: ([String: Tensor]) -> [String: Tensor] = { $0 },
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    let tolerance = try Self.golden.tolerance()
    let store = ParameterStore(initializing: Generator(seed: 0))
    let encoder = FeatureEncoder(configuration, shape, in: store.root)
    try store.load(change(golden.starting(with: "weight."))) { $0 != "cls_token" }
    let maps = encoder(
      try golden["images"], training: recomputes ? DenseTraining(recomputes: true) : nil)
    let output = concatenated(maps, along: 1)
    expectClose(
      output, try golden["output"], within: tolerance, "output", sourceLocation: sourceLocation)
    output.backward(try golden["upstream"])
    expectGradients(
      store.takeGradients().filter { !skipped.contains($0.key) },
      change(golden.starting(with: "grad.")).filter { !skipped.contains($0.key) },
      within: tolerance, sourceLocation: sourceLocation)
  }

  private func configuration(
    _ height: Int, _ width: Int, depth: Int
  ) -> ModelConfiguration {
    ModelConfiguration(
      height: height, width: width, patch: 4,
      encoder: TransformerShape(width: 12, depth: depth, heads: 3, mlpRatio: 2), decoder: nil)
  }

  @Test(arguments: [false, true])
  func `ViTDet's encoder with padded windows and resized positions`(recomputes: Bool) throws {
    try check(
      "vitdet", configuration(16, 16, depth: 4),
      BackboneShape(
        taps: [4], hasClassToken: false, window: 3, globalBlocks: [2, 4],
        relativePositions: .decomposed, relativeGrid: PatchGrid(rows: 7, columns: 7)),
      recomputes: recomputes)
  }

  @Test func `SAM's encoder, which timm writes apart`() throws {
    try check(
      "sam", configuration(28, 20, depth: 3),
      BackboneShape(
        taps: [3], hasClassToken: false, window: 3, globalBlocks: [2],
        relativePositions: .decomposed)
    ) { weights in
      // Its table has no row of a class token and is a picture.
      var weights = weights
      if let table = weights["pos_embed"] {
        weights["pos_embed"] = concatenated(
          [Tensor.zeros([1, 1, 12]), table.reshaped([1, 35, 12])], along: 1)
      }
      return weights
    }
  }

  @Test func `Table 4's encoder with shared tables`() throws {
    try check(
      "shared", configuration(16, 24, depth: 4),
      BackboneShape(
        taps: [2, 4], hasClassToken: false, window: 2, globalBlocks: [2, 4],
        relativePositions: .shared))
  }

  @Test func `tables have timm's index, with and without a class token`() throws {
    let golden = try Self.golden.tensors("tables.safetensors")
    for (name, hasClassEntries) in [("patches", false), ("class", true)] {
      let grid = PatchGrid(rows: 3, columns: 5)
      let store = ParameterStore(initializing: nil)
      let table = PositionTable(
        grid, heads: 2, hasClassEntries: hasClassEntries, in: store.root)
      try store.load(["relative_position_bias_table": golden[name + ".table"]])
      let index = PositionTable.index(of: grid, hasClassEntries: hasClassEntries)
      expectClose(
        table.bias(over: grid, index: index), try golden[name + ".bias"], within: .init(), name)
    }
  }
}
