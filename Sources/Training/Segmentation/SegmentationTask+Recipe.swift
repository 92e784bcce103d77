import Datasets
import DenseHeads
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import TorchNN
import WeightExchange

/// What a segmenter starts from: an encoder, another segmenter, or nothing.
enum SegmentationSource {
  /// The encoder of any model.
  case encoder(LoadedModel)
  /// A segmenter.
  case segmenter(LoadedSegmenter)
  /// Random weights of a model's shape.
  case shape(LoadedModel)
  /// Random weights of the recipe's model.
  case recipe

  init(_ inputs: SegmentationInputs) throws {
    if let path = inputs.model {
      self =
        LoadedSegmenter.isSegmenter(path)
        ? .segmenter(try LoadedSegmenter(path))
        : .encoder(try LoadedModel(path, hints: inputs.hints))
    } else if let like = inputs.like {
      self = .shape(try LoadedModel(like, hints: inputs.hints))
    } else {
      self = .recipe
    }
  }

  /// What is described; nil where there is nothing.
  var description: ModelDescription? {
    switch self {
    case .encoder(let model), .shape(let model): model.description
    case .segmenter(let model): model.description
    case .recipe: nil
    }
  }

  /// What it is called in messages.
  var name: String {
    switch self {
    case .encoder(let model), .shape(let model): model.source
    case .segmenter(let model): model.source
    case .recipe: "the recipe"
    }
  }

  /// What was assumed or left out in reading, each as a sentence.
  var notes: [String] {
    switch self {
    case .encoder(let model), .shape(let model): model.readingNotes + model.assumptions
    case .segmenter(let model): model.notes
    case .recipe: []
    }
  }

  /// The weights to start from; nil from scratch.
  func weights(
    for description: ModelDescription, in store: ParameterStore
  ) throws -> SegmenterWeights? {
    switch self {
    case .encoder(let model): try SegmenterWeights(model, for: description)
    case .segmenter(let model): SegmenterWeights(model, for: description, in: store)
    case .shape, .recipe: nil
    }
  }
}

extension SegmentationTask {
  /// The network that the recipe and what it starts from make together, of the recipe's size.
  static func model(
    _ recipe: SegmentationRecipe, _ source: SegmentationSource, _ inputs: SegmentationInputs,
    isResumed: Bool
  ) throws -> ModelConfiguration {
    if recipe.model != nil, !inputs.isFromScratch {
      throw RunFailure(
        .recipe,
        "model is given by the recipe, and the encoder comes with its own; leave model null, or train "
          + "the recipe's with --scratch")
    }
    guard var model = recipe.model ?? source.description?.model else {
      throw RunFailure(.recipe, ScratchModel.missing(side: recipe.size))
    }
    if let size = recipe.size { (model.height, model.width) = (size, size) }
    guard model.height == model.width else {
      throw RunFailure(
        .recipe,
        "size is null, and the model's images are \(model.height) × \(model.width); give the side of "
          + "the squares that are learned from: --set size=\(min(model.height, model.width))")
    }
    model.decoder = nil
    if let problem = model.problems.first {
      let path = ["height", "width"].contains(problem.path) ? "size" : problem.path
      throw RunFailure(.recipe, "\(path) \(problem.message)")
    }
    return model
  }
}
