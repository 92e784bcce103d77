import Datasets
import DenseHeads
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Torch
import TorchNN
public import TorchOptim
import WeightExchange

extension DetectionTask {
  /// The network that the recipe and what it starts from make together, and the side of the squares
  /// that it sees.
  static func model(
    _ recipe: DetectionRecipe, _ source: DetectionSource, _ inputs: DetectionInputs
  ) throws -> (model: ModelConfiguration, side: Int) {
    if recipe.model != nil, !inputs.isFromScratch {
      throw RunFailure(
        .recipe,
        "model is given by the recipe, and the encoder comes with its own; leave model null, or train "
          + "the recipe's with --scratch")
    }
    guard var model = recipe.model ?? source.description?.model else {
      throw RunFailure(.recipe, ScratchModel.missing(side: recipe.size))
    }
    let side = recipe.size ?? source.description?.detector?.side ?? model.height
    guard side % model.patch == 0, side >= model.patch else {
      let nearest = max(1, side / model.patch) * model.patch
      throw RunFailure(
        .recipe,
        "size is \(side), and the model's patch is \(model.patch); expected a multiple of it: --set "
          + "size=\(nearest)")
    }
    if recipe.resizesPositions { (model.height, model.width) = (side, side) }
    model.decoder = nil
    if let problem = model.problems.first {
      throw RunFailure(.recipe, "model.\(problem.path) \(problem.message)")
    }
    return (model, side)
  }

  public var parameterGroups: [ParameterGroup] {
    ParameterGroup.dense(
      of: store, encoder: "backbone.net.", depth: description.model.encoder.depth,
      recipe.optimizer, recipe.decayedWeights)
  }
}
