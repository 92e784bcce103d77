import Datasets
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Torch
import WeightExchange

extension ClassificationTask {
  /// The recipe with its model, size and normalisation in numbers, and the classifier they make.
  static func complete(
    _ recipe: FinetuningRecipe, from source: LoadedModel?, _ data: LabelledSplits,
    _ inputs: ClassificationInputs, isResumed: Bool
  ) throws -> (FinetuningRecipe, ModelDescription) {
    var recipe = recipe
    if recipe.model != nil, inputs.model != nil {
      throw RunFailure(
        .recipe,
        "model is given by the recipe, and the encoder comes with its own; leave model null, or train "
          + "the recipe's with mae scratch")
    }
    if let wanted = recipe.model, let source, wanted != source.description.model,
      !isResumed
    {
      throw RunFailure(
        .recipe,
        "model is given by the recipe and differs from the one of \(source.source); leave model null, "
          + "or leave --like out")
    }
    guard var model = recipe.model ?? source?.description.model else {
      throw RunFailure(.recipe, ScratchModel.missing(side: recipe.size))
    }
    if let size = recipe.size { (model.height, model.width) = (size, size) }
    if let problem = model.problems.first {
      throw RunFailure(.recipe, "\(problem.path) \(problem.message)")
    }
    if inputs.model == nil, let blocks = recipe.trainableBlocks {
      throw RunFailure(
        .recipe,
        "trainableBlocks is \(ScalarText.written(blocks)), and a network from scratch learns as a "
          + "whole; leave it null")
    }
    if let blocks = recipe.trainableBlocks, blocks > Double(model.encoder.depth) {
      throw RunFailure(
        .recipe,
        "trainableBlocks is \(ScalarText.written(blocks)) and the encoder has \(model.encoder.depth); use "
          + "null to train everything")
    }
    if inputs.model == nil { recipe.model = model }
    let inherited = recipe.data.channels == .inherited
    recipe.data = recipe.data.inheritingChannels(source?.description.usedRaster)
    let isOfRasters = recipe.data.rasterSettings != nil
    if recipe.data.normalization == .inherited {
      if isOfRasters, !inherited, source?.description.usedRaster == nil {
        // An encoder of pictures knows nothing of the files' units.
        recipe.data.normalization = .computed
      } else if let source, source.description.mean.count == model.channels {
        recipe.data.normalization = .given(
          mean: source.description.mean, std: source.description.std)
      } else {
        let customary = PixelStandard.default(channels: model.channels).standard
        recipe.data.normalization = .given(mean: customary.mean, std: customary.std)
      }
    }
    if recipe.data.valueRange == .inherited {
      recipe.data.valueRange = source?.description.valueRange.map { .given($0) } ?? .full
    }
    var checks = Validator()
    checks.pipeline(recipe.data, channels: model.channels, readsRasters: true)
    checks.colours(recipe)
    checks.turns(recipe.data, of: model)
    guard checks.found.isEmpty else { throw RecipeErrors(checks.found) }
    recipe.data = try recipe.data.resolvingNormalization(
      from: data.training, named: inputs.path, channels: model.channels, seed: recipe.seed)
    let normalization = recipe.data.pixelNormalization(channels: model.channels)
    let head = ClassifierHead(
      pooling: recipe.head.pooling, classes: data.classes.count,
      normalizesBatches: recipe.head.batchNorm)
    return (
      recipe,
      ModelDescription(
        model: model, classifier: .init(head: head, classNames: data.classes),
        mean: normalization.mean, std: normalization.std, valueRange: recipe.data.valueRange.range,
        raster: recipe.data.rasterSettings)
    )
  }
}

extension FinetuningRecipe {
  /// The augmentation that the recipe describes, for images of a size.
  func augmentation(for size: PixelSize) -> Augmentation {
    var augmentation = data.augmentation(for: size)
    augmentation.randAugment = regularization.randAugment.map {
      RandAugment(
        magnitude: $0, noise: regularization.randAugmentNoise, filter: augmentation.filter)
    }
    if regularization.erasing > 0 {
      augmentation.erasing = RandomErasing(probability: regularization.erasing)
    }
    return augmentation
  }

  /// How a picture becomes the model's input.
  func transform(for model: ModelConfiguration) -> ImageTransform {
    let size = PixelSize(width: model.width, height: model.height)
    return ImageTransform(
      augmentation(for: size), size: size,
      normalization: data.pixelNormalization(channels: model.channels),
      valueRange: data.valueRange.range, raster: data.rasterSettings)
  }
}

extension FinetuningRecipe.Regularization {
  /// Mixup and CutMix as the recipe has them.
  package var mixing: MixupCutMix {
    MixupCutMix(
      mixup: mixup, cutmix: cutmix, probability: mixProbability,
      switchProbability: switchProbability, mode: mixMode)
  }
}
