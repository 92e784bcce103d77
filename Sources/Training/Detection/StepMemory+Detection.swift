import DenseHeads
import MaskedAutoencoders
import Recipes

extension StepMemory {
  /// What a step of training a detector needs.
  init(
    _ model: ModelConfiguration, _ shape: DetectorShape, side: Int, _ recipe: DetectionRecipe,
    parameters: Int
  ) {
    let recomputes = recipe.memory.recompute
    let tokens = (side / model.patch) * (side / model.patch)
    let width = model.encoder.width
    let kept = Self.encoder(model, shape.backbone, patches: tokens, recomputes: recomputes)
    // Of the pyramid: the finest map of 4 × 4 cells a patch, and a third more for the others; inputs and
    // results of two convolutions with norms, and of the proposal network.
    let finest = 4 * 16 * tokens * shape.channels
    let widened = 4 * tokens * (4 * width / 2 * 3 + 16 * width / 4 * 2)
    let pyramid = finest * 4 / 3 * (6 + 2 * shape.proposalConvolutions) + widened
    let cells = BoxHead.bins * BoxHead.bins
    let boxes =
      4 * shape.rules.regions * shape.channels * cells * (3 * shape.convolutions + 1)
      * shape.stages.count
    let masks =
      shape.hasMasks
      ? 4 * (shape.rules.regions / 4) * shape.channels * 196 * (3 * shape.convolutions + 9) : 0
    self.init(
      parameters: parameters, picture: kept + pyramid + boxes + masks,
      // What RegionAlign holds of the rows of a map.
      held: 256 << 20, batch: recipe.batch.size, accumulation: recipe.batch.accumulation,
      recomputes: recomputes)
  }
}
