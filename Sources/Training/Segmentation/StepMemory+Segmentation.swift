import DenseHeads
import MaskedAutoencoders
import Recipes

// D width of the encoder, C channels of the decoder, K classes, t patches of a picture.

extension StepMemory {
  /// What a step of training a segmenter needs.
  init(
    _ model: ModelConfiguration, _ shape: SegmenterShape, _ recipe: SegmentationRecipe,
    parameters: Int
  ) {
    let recomputes = recipe.memory.recompute
    let tokens = model.grid.count
    let (width, channels) = (model.encoder.width, shape.channels)
    let kept = Self.encoder(model, shape.backbone, patches: tokens, recomputes: recomputes)
    // Values of a patch that the neck and the decoder keep: a convolution with norm and ReLU keeps its
    // result twice; the four maps have 16, 4, 1 and ¼ cells of a patch.
    let neck = shape.decoder.hasPyramid ? width * (3 * 4 + 16 + 4 + 1) : 0
    let decoder: Int
    switch shape.decoder {
    case .upernet:
      // Laterals, sums from coarse to fine, their convolutions, all at the finest size, joined, and
      // the convolution of what is joined; the pooled maps beside the coarsest.
      decoder = channels * (2 * 21 + 21 + 2 * 21 + 3 * 16 + 4 * 16 + 2 * 16) + width / 4
    case .pyramid:
      decoder = channels * (21 + 21 + 2 * 21 + 3 * 16 + 3 * 16)
    case .linear: decoder = 2 * width
    }
    let auxiliary = 2 * (shape.auxiliaryChannels ?? 0)
    // Scores at the labels' size, and their logarithms of shares, of each head.
    let heads = shape.auxiliaryChannels == nil ? 1 : 2
    let scores = 2 * heads * shape.classes * model.height * model.width
    self.init(
      parameters: parameters, picture: kept + 4 * (tokens * (neck + decoder + auxiliary) + scores),
      batch: recipe.batch.size, accumulation: recipe.batch.accumulation, recomputes: recomputes)
  }
}
