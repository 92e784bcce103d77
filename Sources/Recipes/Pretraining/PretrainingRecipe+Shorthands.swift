import MaskedAutoencoders
public import RecipeSyntax

extension PretrainingRecipe {
  /// Words that may be given instead of a whole shape, at `model.encoder` and `model.decoder`.
  public static var shorthands: [RecipeOverrides.Shorthand] {
    let encoders = shapes(TransformerShape.named)
    let decoders = encoders + shapes([("paper", .paperDecoder)])
    return [
      RecipeOverrides.Shorthand(at: "model.encoder", names: encoders),
      RecipeOverrides.Shorthand(at: "model.decoder", names: decoders),
    ]
  }

  private static func shapes(
    _ named: [(name: String, shape: TransformerShape)]
  ) -> [(name: String, value: ValueTree)] {
    named.compactMap { name, shape in
      (try? ValueTree(encoding: shape)).map { (name, $0) }
    }
  }
}
