import MaskedAutoencoders
package import RecipeSyntax

/// How the network of a run from scratch is given, for messages.
package enum ScratchModel {
  /// What follows “model is null, ” where one of its fields is assigned.
  package static let advice = RecipeOverrides.AbsentField(
    "model",
    "which has no fields; take a run's model with --scratch and --like RUN, or give it whole: "
      + assignment(side: 224))

  /// What follows “model is null” where a run from scratch begins.
  package static func missing(side: Int?) -> String {
    "model is null: a run from scratch takes its shape from the recipe's model or from --like RUN; "
      + "such as " + assignment(side: side ?? 224)
  }

  /// An example of a model for squares of a side, ViT-Tiny, as a shell takes it.
  package static func assignment(side: Int) -> String {
    let patch = [16, 14, 8, 4, 2].first { side % $0 == 0 && side / $0 >= 8 } ?? 1
    let shape = TransformerShape.tiny
    return
      "--set 'model={height: \(side), width: \(side), channels: 3, patch: \(patch), encoder: {width: "
      + "\(shape.width), depth: \(shape.depth), heads: \(shape.heads), mlpRatio: "
      + "\(ScalarText.written(shape.mlpRatio))}, target: pixels, normEpsilon: 1e-6, qkvBias: true}'"
  }
}
