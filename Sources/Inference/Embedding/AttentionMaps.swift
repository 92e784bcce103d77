public import MaskedAutoencoders
import Runs
import Torch
import TorchNN

/// How much one token attends to each patch of an image in the last block of an encoder.
public struct AttentionMaps: Sendable {
  /// Patches from top to bottom and from left to right.
  public let grid: PatchGrid
  /// For each head a share of each patch, row by row; with what the class token is given they add
  /// up to 1.
  public let heads: [[Float]]

  /// The mean over the heads.
  public var mean: [Float] {
    (0..<grid.count).map { patch in
      heads.reduce(0) { $0 + $1[patch] } / Float(max(1, heads.count))
    }
  }
}

extension LoadedModel {
  /// How much a token attends to the patches of an image.
  ///
  /// - Parameters:
  ///   - patch: Whose attention, counted from 0 row by row; nil for the class token's.
  ///   - view: The image.
  /// - Throws: ``/Runs/RunFailure`` where there is no such patch or what is computed is not finite.
  public func attention(of patch: Int?, in view: ModelView) throws -> AttentionMaps {
    let mean = Tensor(
      description.mean.map { Float($0) }, shape: [1, description.mean.count, 1, 1])
    let std = Tensor(description.std.map { Float($0) }, shape: [1, description.std.count, 1, 1])
    return try attention(
      of: patch, in: ((view.pixels - mean) / std).to(store.device), named: "the image")
  }

  /// How much a token attends to the patches of one image `[1, C, H, W]`, normalised.
  func attention(of patch: Int?, in image: Tensor, named name: String) throws -> AttentionMaps {
    let grid = description.model.grid
    if let patch, !(0..<grid.count).contains(patch) {
      throw RunFailure(
        .badData, "there is no patch \(patch); there are \(grid.count), counted from 0 row by row")
    }
    let weights = withoutGradients {
      encoder.attentionWeights(of: patches(of: image, side: description.model.patch))
        .selected(0, along: 0).selected(patch.map { $0 + 1 } ?? 0, along: 1)  // [H, 1 + N]
        .narrowed(1, to: 1..<1 + grid.count)
    }
    try requireFinite(weights) { _ in name }
    let values: [Float] = weights.to(.cpu).floats()
    return AttentionMaps(
      grid: grid,
      heads: stride(from: 0, to: values.count, by: grid.count).map {
        Array(values[$0..<$0 + grid.count])
      })
  }
}
