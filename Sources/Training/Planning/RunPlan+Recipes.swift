import DiscreteVAE
package import MaskedAutoencoders
package import Recipes
import TorchOptim

extension RunPlan.Job {
  /// A run of pre-training on a set of so many images.
  package init(_ recipe: PretrainingRecipe, images: Int) {
    let (model, kept) = (recipe.model, recipe.masking.kept(of: recipe.model.grid))
    self.init(
      recipe,
      model: "encoder \(model.encoder.words), patch \(model.patch)"
        + (model.decoder.map { "; decoder \($0.words)" } ?? "")
        + "; \(kept) of \(model.grid.count) "
        + "patches seen" + (model.encodesMaskTokens ? ", mask tokens encoded" : ""),
      cost: ModelCost(pretraining: model, kept: kept, predictsAll: recipe.loss.region == .all),
      images: images)
  }

  /// A run of contrastive pre-training: both views go through the encoder and back, and through the
  /// momentum encoder; heads are left out.
  package init(_ recipe: ContrastiveRecipe, images: Int) {
    let model = recipe.model
    let once = ModelCost(classifying: model, classes: 1, training: .all)
    var cost = once
    cost.forward = 4 * once.forward
    cost.backward = 2 * once.backward
    cost.parameters = 2 * once.parameters
    cost.blockValues = 2 * once.blockValues
    cost.pixels = 2 * once.pixels
    self.init(
      recipe, model: "encoder \(model.encoder.words), patch \(model.patch); two views", cost: cost,
      images: images)
  }

  /// A run of training a tokenizer; roughly, by the weights of its convolutions, each of which works
  /// at about the size of its tokens' grid and four times as many places on the way.
  package init(_ recipe: TokenizerRecipe, images: Int) {
    let shape = recipe.model
    let weights = shape.weights.reduce(0) { $0 + $1.shape.reduce(1, *) }
    var cost = ModelCost()
    cost.parameters = weights
    cost.trained = weights
    cost.forward = 2 * 4 * Double(shape.rows * shape.columns) * Double(weights)
    cost.backward = 2 * cost.forward
    cost.pixels = shape.channels * shape.height * shape.width
    // A float32 of every channel of the finest maps, encoder's and decoder's.
    cost.blockValues = shape.height * shape.width * shape.hiddenWidth * shape.groups / 4
    self.init(recipe, model: shape.words, cost: cost, images: images)
  }

  /// A run of training a classifier.
  ///
  /// - Parameter encoder: The model where the recipe leaves it to the encoder that it starts from.
  package init(
    _ recipe: FinetuningRecipe, encoder: ModelConfiguration, classes: Int, images: Int
  ) {
    var model = recipe.model ?? encoder
    if let size = recipe.size { (model.height, model.width) = (size, size) }
    let part: String? =
      switch recipe.trainedPart {
      case .all: nil
      case .halfBlock: "the last perceptron is trained"
      case .lastBlocks(0): "the head is trained"
      case .lastBlocks(let count): "the last \(count) blocks are trained"
      }
    self.init(
      recipe,
      model: "encoder \(model.encoder.words), patch \(model.patch); \(classes) classes"
        + (part.map { "; \($0)" } ?? ""),
      cost: ModelCost(classifying: model, classes: classes, training: recipe.trainedPart),
      images: images)
    if recipe.regularization.mixup > 0 || recipe.regularization.cutmix > 0 { unit = 2 }
  }

  private init(
    _ recipe: some TrainingRecipe, model: String, cost: ModelCost, images: Int
  ) {
    self.init(
      name: recipe.name, model: model, cost: cost, batch: recipe.batch.size,
      accumulation: recipe.batch.accumulation,
      steps: recipe.totalSteps(stepsPerEpoch: max(1, images / recipe.effectiveBatch)),
      images: images, isShort: recipe.precision != .float32,
      stateBytes: ["lars", "sgd"].contains(recipe.optimizer.kind.name) ? 4 : 8,
      keepsAverage: recipe.ema != nil, checkpoints: recipe.checkpoints.keep)
  }
}
