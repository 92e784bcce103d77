import Datasets
import DiscreteVAE
import FileSystem
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Torch
import TorchNN

/// Targets that need something before the first step: a basis fitted to the images, a tokenizer.
extension PretrainingTask {
  /// The recipe with the shapes of the tokenizer that its target names.
  ///
  /// - Throws: `RecipeErrors` where the tokenizer does not fit the model.
  static func opened(_ recipe: PretrainingRecipe, on device: Device) throws -> PretrainingRecipe {
    guard let target = recipe.model.target.target as? TokenTarget, target.shape == nil,
      let opened = try target.opened(on: device)
    else { return recipe }
    var recipe = recipe
    recipe.model.target = ReconstructionTarget(opened.target)
    let wrong = recipe.model.problems.map { FieldError(FieldPath("model." + $0.path), $0.message) }
    guard wrong.isEmpty else { throw RecipeErrors(wrong) }
    return recipe
  }

  /// Finds the target's buffers and puts them in their place.
  ///
  /// - Returns: What there is to say of them; nil where the target needs none.
  func prepareTarget() throws -> String? {
    switch recipe.model.target.target {
    case let target as TokenTarget: try placeTokenizer(of: target)
    case let target as any FittedTarget: try fit(target)
    default: nil
    }
  }

  private func placeTokenizer(of target: TokenTarget) throws -> String {
    guard let (opened, loaded) = try target.opened(on: store.device) else {
      throw RunFailure(
        .recipe, "model.target.tokenizer is null; expected the folder of a tokenizer's run")
    }
    guard opened.shape == target.shape else {
      throw RunFailure(
        .recipe,
        "model.target.tokenizer is \(loaded.source), which has other shapes than model.target.shape; "
          + "leave the shape out")
    }
    var tensors = Dictionary(
      uniqueKeysWithValues: loaded.store.weights.map { ($0.name, $0.tensor) })
    tensors["mean"] = Tensor(description.mean.map(Float.init))
    tensors["std"] = Tensor(description.std.map(Float.init))
    model.setTargetBuffers(tensors)
    return "tokens of \(loaded.source), \(loaded.tokenizer.configuration.words)"
  }

  /// Looks at training images as the model is given them, in the run's order.
  private func fit(_ target: some FittedTarget) throws -> String {
    let wanted = min(target.images, data.dataset.count)
    let size = min(wanted, 256)
    let loader = BatchLoader(
      data.dataset, path: data.path, transform: data.transform, output: recipe.data.output,
      batch: size, sampling: Sampling(), seed: recipe.seed, workers: recipe.data.threads,
      prefetch: recipe.data.prefetch, brokenFraction: recipe.data.brokenLimit)
    defer { loader.stop() }
    let fitting = target.fitting(for: recipe.model)
    var seen = 0
    while seen < wanted {
      let images = try loader.next().tensor(on: store.device)
      let count = min(images.shape[0], wanted - seen)
      fitting.add(patches(of: images[0..<count], side: recipe.model.patch))
      seen += count
    }
    let found = fitting.result()
    model.setTargetBuffers(found.tensors)
    return "\(recipe.model.target.name): \(found.words) of \(seen) images"
  }
}
