import DiscreteVAE
import FileSystem
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Torch
import Training

// Rows whose target are tokens need a tokenizer first: one that is there, or one that is trained.
extension StepMaking {
  /// Names the tokenizer in a recipe whose target are tokens, and adds what it is to the identity of
  /// the encoder.
  ///
  /// - Returns: The step that trains it; nil where there is none to train.
  /// - Throws: `RecipeErrors` where the tokenizer makes tokens of another grid or of other images.
  func tokenizer(
    for recipe: inout PretrainingRecipe, identity: inout [String], seed: Int,
    in layout: inout StepLayout
  ) throws -> Int? {
    guard var target = recipe.model.target.target as? TokenTarget,
      target.tokenizer == AblationRow.tokenizer
    else { return nil }
    if let path = settings.tokenizer {
      target.tokenizer = path
      let found = try LoadedTokenizer(path, on: .cpu)
      try require(TokenTarget(found.tokenizer.configuration), named: path, of: recipe.model)
      recipe.model.target = ReconstructionTarget(target)
      identity.append("tokenizer: \(canonicalPath(path))")
      return nil
    }
    var own = scale.tokenizer
    own.seed += UInt64(seed)
    try require(TokenTarget(own.model), named: own.name, of: recipe.model)
    let lines = own.identity(beside: TokenizerRecipe(name: "")) + data.identity.prefix(1)
    let place = try layout.place(.tokenizer, lines, in: Self.folder("tokenizer", seed)) {
      [own] folder in
      let inputs = TokenizerInputs(data: settings.data, named: settings.names.data)
      return (
        StepCost(RunPlan.Job(own, images: data.images)),
        { context in
          try context.train(
            TokenizerTask.self, inputs, by: own, from: RecipeBooks.tokenizer, in: folder)
          return try context.result(in: folder) { results in
            results.tokenizer.map {
              StepResult(
                loss: $0.meanSquaredError, trainingImages: $0.training?.images,
                testImages: $0.images, seconds: $0.training?.seconds ?? 0)
            }
          }
        }
      )
    }
    target.tokenizer = layout.steps[place].folder
    recipe.model.target = ReconstructionTarget(target)
    identity += lines.map { "tokenizer.\($0)" }
    return place
  }

  /// Refuses a tokenizer whose tokens are not the model's patches.
  private func require(
    _ target: TokenTarget, named name: String, of model: ModelConfiguration
  ) throws(RecipeErrors) {
    var named = target
    named.tokenizer = name
    guard let (path, message) = named.problems(for: model).first else { return }
    throw RecipeErrors([FieldError(FieldPath("model.target." + path), message)])
  }
}
