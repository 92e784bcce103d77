import Runs
import ArgumentParser
import Datasets
import Foundation
import Recipes
import Torch
import Training

/// Masked pre-training on images without labels.
struct PretrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pretrain",
    abstract: "Pre-train a masked autoencoder on images; labels are not needed.",
    discussion: """
      Examples:
        mae pretrain photos/ --out runs/first
        mae pretrain photos/ --out runs/small --recipe small-images --set budget.epochs=50
        mae pretrain photos/ --out runs/first --resume
      Recipes: mae recipes list. Every field of one can be set by its path: mae recipes show NAME.

      Ctrl-C writes a checkpoint and ends; --resume goes on exactly where the run stood. Exit status:
      0 done, 65 bad data, 66 input missing, 69 no engine or device, 70 the loss is no longer finite, \
      73 output refused, 74 input or output failed, 78 recipe, 129, 130 or 143 after a signal.
      """)

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "The run folder: recipe, checkpoints, curves, pictures.")
  var out: String

  @Option(help: "A recipe's name or file; the run's own with --resume.")
  var recipe: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a field of the recipe by its path.", valueName: "path=value"))
  var settings: [String] = []

  @Flag(help: "Go on with the run in the folder; where there is none, start one.")
  var resume = false

  @Flag(help: "Replace the run in the folder, once the new one has a checkpoint.")
  var overwrite = false

  @Option(help: "End this session after so many steps of the run; --resume goes on.")
  var stopAfter: Int?

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if resume, overwrite { throw ValidationError("--resume and --overwrite exclude each other") }
    if let stopAfter, stopAfter < 1 {
      throw ValidationError("--stop-after is \(stopAfter); expected at least 1")
    }
  }

  func run() throws {
    let opening: RunFolder.Opening = resume ? .resume : overwrite ? .overwrite : .new
    try look(into: out, opening, as: .pretraining)
    let recipe = try resolvedRecipe()
    let path = try dataPath(data)
    let device = try compute.open()
    Interrupts.install()
    let run = try Pretraining(
      recipe,
      Pretraining.Settings(
        data: path, out: out, opening: opening, device: device, stopAfter: stopAfter))
    try PretrainingSession(run, data: data).run()
  }

  /// The recipe of a new run, or of the run that is gone on with.
  private func resolvedRecipe() throws -> Recipe {
    let own = out + "/recipe.yaml"
    guard resume, FileManager.default.fileExists(atPath: own) else {
      return try RecipeBook.resolve(recipe, settings: settings)
    }
    let kept = try RecipeBook.resolve(own)
    let wanted = try RecipeBook.resolve(recipe ?? own, settings: settings)
    return try kept.resumed(with: wanted, recipeIsNamed: recipe != nil)
  }
}
