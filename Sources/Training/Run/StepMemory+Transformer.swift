import MaskedAutoencoders
import Recipes
import Torch

// N patches, K kept, D width, F hidden units of the perceptron, H heads, T tokens of a block, V values of
// a patch.

extension StepMemory {
  /// What a step of masked pre-training needs.
  ///
  /// - Parameter parameters: Values that are trained.
  init(_ recipe: PretrainingRecipe, parameters: Int, on device: Device) {
    let model = recipe.model
    let (patches, kept) = (model.grid.count, recipe.masking.kept(of: model.grid))
    let blocks = Blocks(recipe.memory, recipe.precision, on: device)
    let encoded = 1 + (model.encodesMaskTokens ? patches : kept)
    let predicted = recipe.loss.region == .all ? patches : patches - kept
    var bytes = blocks.bytes(of: model.encoder, tokens: encoded)
    if let decoder = model.decoder { bytes += blocks.bytes(of: decoder, tokens: 1 + patches) }
    // The image, its patches, and of those that are predicted the values, what they should be and the
    // difference.
    bytes += 4 * (2 * patches * model.patchValues + 3 * predicted * model.predictedValues)
    self.init(
      parameters: parameters, picture: bytes,
      held: blocks.workSpace(of: [model.encoder] + [model.decoder].compactMap(\.self)),
      batch: recipe.batch.size, accumulation: recipe.batch.accumulation,
      recomputes: recipe.memory.recompute)
  }

  /// What a step of training a classifier needs.
  init(
    _ recipe: FinetuningRecipe, _ model: ModelConfiguration, parameters: Int,
    on device: Device
  ) {
    let blocks = Blocks(recipe.memory, recipe.precision, on: device)
    var trained = model.encoder
    trained.depth -= recipe.trainedPart.firstBlock(depth: trained.depth)
    let picture =
      blocks.bytes(of: trained, tokens: 1 + model.grid.count)
      + 4 * 2 * model.grid.count * model.patchValues
    self.init(
      parameters: parameters, picture: picture, held: blocks.workSpace(of: [model.encoder]),
      batch: recipe.batch.size, accumulation: recipe.batch.accumulation,
      recomputes: recipe.memory.recompute)
  }

  /// How blocks are computed, and what of them a backward pass keeps.
  private struct Blocks {
    let recomputes: Bool
    let isFused: Bool
    let bytesOfValue: Int
    let isCPU: Bool

    init(_ memory: MemoryRecipe, _ precision: Precision, on device: Device) {
      recomputes = memory.recompute
      isCPU = device.kind == .cpu
      isFused = isCPU && precision == .float32 && KernelChoice.current.blocks == .fused
      bytesOfValue = precision == .float32 ? 4 : 2
    }

    /// Bytes that the blocks of a transformer keep of an image.
    func bytes(of shape: TransformerShape, tokens: Int) -> Int {
      let (width, hidden) = (shape.width, shape.hidden)
      let input = bytesOfValue * tokens * width
      let values: Int
      if isFused {
        // Its input, queries, keys, values, what attention gives, the sum after it, the hidden layer,
        // means and deviations of both norms, and the logarithms of attention's sums.
        values = 6 * width + hidden + 4 + shape.heads
      } else {
        // Norms and their inputs, queries, keys, values, what attention gives, and the hidden layer
        // before and after GELU; of short rows attention's shares besides.
        let isPlain = isCPU && tokens <= KernelChoice.plainAttentionTokens
        values = 9 * width + 2 * hidden + (isPlain ? shape.heads * tokens : shape.heads)
      }
      let block = bytesOfValue * tokens * values
      return recomputes && shape.depth > 0 ? input * shape.depth + block : block * shape.depth
    }

    /// Bytes that a fused block's backward pass works in, for some 4,096 rows at once; of others the
    /// gradients that are passed on are as many as the last block's results.
    func workSpace(of shapes: [TransformerShape]) -> Int {
      guard isFused else { return 0 }
      return shapes.map { 4 * 4096 * (2 * $0.hidden + 6 * $0.width) }.max() ?? 0
    }
  }
}
