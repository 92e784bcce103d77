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
    var parts = [Blocks.Part(shape: model.encoder, tokens: encoded)]
    if let decoder = model.decoder { parts.append(.init(shape: decoder, tokens: 1 + patches)) }
    var bytes = blocks.bytes(of: parts)
    // The image, its patches, and of those that are predicted the values, what they should be and the
    // difference.
    bytes += 4 * (2 * patches * model.patchValues + 3 * predicted * model.predictedValues)
    self.init(
      parameters: parameters, picture: bytes,
      held: blocks.workSpace(of: parts, batch: recipe.batch.size / recipe.batch.accumulation),
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
    let part = Blocks.Part(shape: trained, tokens: 1 + model.grid.count)
    let picture = blocks.bytes(of: [part]) + 4 * 2 * model.grid.count * model.patchValues
    self.init(
      parameters: parameters, picture: picture,
      held: blocks.workSpace(
        of: [part], batch: recipe.batch.size / recipe.batch.accumulation,
        dropsPaths: recipe.regularization.dropPath > 0),
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

    /// The blocks of a transformer and the tokens that pass through them.
    struct Part {
      var shape: TransformerShape
      var tokens: Int
    }

    /// Bytes that the blocks of a model keep of an image. Where they are computed again, each keeps its
    /// input, which is float32 under autocast, too, and one at a time the rest.
    func bytes(of parts: [Part]) -> Int {
      guard recomputes else { return parts.reduce(0) { $0 + $1.shape.depth * block($1) } }
      func input(_ part: Part) -> Int { 4 * part.tokens * part.shape.width }
      let again = parts.filter { $0.shape.depth > 0 }.map { part in
        // Those that are not fused hold a gradient of their result besides.
        block(part) + (isFused ? -input(part) : input(part))
      }
      return parts.reduce(0) { $0 + $1.shape.depth * input($1) } + (again.max() ?? 0)
    }

    /// Bytes that one block keeps of an image.
    private func block(_ part: Part) -> Int {
      let (width, hidden) = (part.shape.width, part.shape.hidden)
      let values: Int
      if isFused {
        // Its input, queries, keys, values, what attention gives, the sum after it, the hidden layer,
        // means and deviations of both norms, and the logarithms of attention's sums.
        values = 6 * width + hidden + 4 + part.shape.heads
      } else {
        // Norms and their inputs, queries, keys, values, what attention gives, and the hidden layer
        // before and after GELU; of short rows attention's shares besides.
        let isPlain = isCPU && part.tokens <= KernelChoice.plainAttentionTokens
        values =
          9 * width + 2 * hidden
          + (isPlain ? part.shape.heads * part.tokens : part.shape.heads)
      }
      return bytesOfValue * part.tokens * values
    }

    /// Bytes that a fused block's backward pass works in: up to three groups of rows at once, as
    /// `Bridge/block.cpp` divides them. Of others the gradients that are passed on are as many as the
    /// last block's results.
    ///
    /// - Parameters:
    ///   - batch: Images at once.
    ///   - dropsPaths: Whether branches have factors, by which their gradients are scaled.
    func workSpace(of parts: [Part], batch: Int, dropsPaths: Bool = false) -> Int {
      guard isFused else { return 0 }
      return parts.map { part in
        let (width, hidden) = (part.shape.width, part.shape.hidden)
        let chunk = hidden <= 1024 ? 288 : 256
        let group = max(
          Engine.threads * chunk, min(4096, (4 * width * width + 2 * width * hidden) / 1024))
        let rows = min(3 * group, batch * part.tokens)
        return 4 * rows * (2 * hidden + (dropsPaths ? 8 : 6) * width)
      }.max() ?? 0
    }
  }
}
