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
      throw RunFailure(
        .recipe,
        "model is null: a run from scratch takes its shape from the recipe's model or from --like RUN"
      )
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
    try model.requireDecodableChannels()
    return (model, side)
  }

  /// The pipeline with its normalisation in numbers.
  static func data(
    _ recipe: DetectionRecipe, _ source: DetectionSource, _ images: any ImageDataset,
    _ inputs: DetectionInputs, _ model: ModelConfiguration
  ) throws -> DataRecipe {
    var data = recipe.data
    if data.normalization == .inherited {
      if let known = source.description, known.mean.count == model.channels {
        data.normalization = .given(mean: known.mean, std: known.std)
      } else {
        let customary = PixelStandard.default(channels: model.channels).standard
        data.normalization = .given(mean: customary.mean, std: customary.std)
      }
    }
    var checks = Validator()
    checks.pipeline(data, channels: model.channels)
    guard checks.found.isEmpty else { throw RecipeErrors(checks.found) }
    return try data.resolvingNormalization(
      from: images, named: inputs.path, channels: model.channels, seed: recipe.seed)
  }

  public var parameterGroups: [ParameterGroup] {
    Self.groups(
      of: store, depth: description.model.encoder.depth, recipe.optimizer, recipe.decay)
  }

  /// Rates by layers, and what decays: see ``DetectionRecipe/Decay-swift.enum``.
  static func groups(
    of store: ParameterStore, depth: Int, _ optimizer: OptimizerRecipe,
    _ decay: DetectionRecipe.Decay
  ) -> [ParameterGroup] {
    let encoder = "backbone.net."
    func layer(_ name: String) -> Int {
      guard name.hasPrefix(encoder) else { return depth + 1 }
      let own = String(name.dropFirst(encoder.count))
      // Tables that all blocks share have no block of their own.
      guard !own.hasSuffix("relative_position_bias_table") else { return depth + 1 }
      return MaskedAutoencoders.layer(of: own, depth: depth)
    }
    func isDecayed(_ entry: ParameterStore.Entry) -> Bool {
      let name = entry.name
      let isNorm =
        name.contains(".norm") || name.hasSuffix("upsample_4x.1.weight")
        || name.hasSuffix("upsample_4x.1.bias")
      switch decay {
      case .all: return true
      case .matrices: return entry.tensor.rank > 1 && !name.hasSuffix("pos_embed")
      case .vitDet:
        return !(name.hasPrefix(encoder) && (isNorm || name.hasSuffix("pos_embed")))
      case .table4:
        return
          !(isNorm || name.hasSuffix("pos_embed")
          || name.hasSuffix("relative_position_bias_table"))
      }
    }
    var groups: [ParameterGroup] = []
    var places: [[Int]: Int] = [:]
    for entry in store.trainable {
      let number = optimizer.layerDecay == 1 ? depth + 1 : layer(entry.name)
      let key = [number, isDecayed(entry) ? 1 : 0]
      if places[key] == nil {
        places[key] = groups.count
        let scale = (number..<depth + 1).reduce(1) { scale, _ in scale * optimizer.layerDecay }
        groups.append(
          ParameterGroup(
            [], weightDecay: key[1] == 1 ? optimizer.weightDecay : 0, learningRateScale: scale))
      }
      if let place = places[key] { groups[place].parameters.append((entry.name, entry.tensor)) }
    }
    return groups
  }
}
