import ArgumentParser
import Datasets
import Foundation
import Recipes
import Runs
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
        mae pretrain photos/ --out runs/small --recipe small-images --set schedule.epochs=50
        mae pretrain photos/ --out runs/first --resume
      Recipes: mae recipes list. Every field of one can be set by its path: mae recipes show NAME.

      Ctrl-C writes a checkpoint and ends; --resume continues exactly where the run stood. Exit status:
      0 done, 65 bad data, 66 input missing, 69 no engine or device, 70 the loss is no longer finite, \
      73 output refused, 74 input or output failed, 78 recipe, 129, 130 or 143 after a signal.
      """)

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "The run folder: recipe, checkpoints, curves, pictures.")
  var out: String

  @OptionGroup var options: RunOptions

  func run() throws {
    try options.train(
      PretrainingTask.self, PretrainingInputs(data: dataPath(data), named: data),
      from: RecipeBooks.pretraining, out: out)
  }
}
