extension RecipeBooks {
  /// Recipes of training classifiers: fine-tuning, linear probing, from scratch.
  public static let classification = RecipeBook<FinetuningRecipe>(
    commands: ["mae finetune", "mae scratch"], purpose: "learning from labels",
    entries: RecipeBook<FinetuningRecipe>.Entry.oneMachine
      + RecipeBook<FinetuningRecipe>.Entry.fashionMNIST
      + RecipeBook<FinetuningRecipe>.Entry.paperTable9
      + RecipeBook<FinetuningRecipe>.Entry.paperTable10
      + RecipeBook<FinetuningRecipe>.Entry.paperTable11)
}
