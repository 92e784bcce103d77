extension RecipeBooks {
  /// Recipes of masked pre-training.
  public static let pretraining = RecipeBook<PretrainingRecipe>(
    commands: ["mae pretrain"], purpose: "learning without labels",
    entries: [.oneMachine, .smallImages, .fashionMNIST]
      + RecipeBook<PretrainingRecipe>.Entry.paperTable8
      + RecipeBook<PretrainingRecipe>.Entry.paperTable1
      + RecipeBook<PretrainingRecipe>.Entry.beitStyle)
}
