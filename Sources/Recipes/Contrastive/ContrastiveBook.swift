extension RecipeBooks {
  /// Recipes of contrastive pre-training.
  public static let contrastive = RecipeBook<ContrastiveRecipe>(
    commands: ["mae contrastive"], purpose: "contrastive learning without labels",
    entries: [.contrastive] + RecipeBook<ContrastiveRecipe>.Entry.mocoV3 + [.mocoV3FashionMNIST])
}
