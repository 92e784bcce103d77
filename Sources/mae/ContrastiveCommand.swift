import ArgumentParser
import Datasets
import Foundation
import Recipes
import Runs
import Training

/// Contrastive pre-training on images without labels.
struct ContrastiveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "contrastive",
    abstract: "Pre-train an encoder to tell two views of an image from others (MoCo v3).",
    discussion: """
      What masked autoencoders are compared with. The run's encoder is used as that of mae pretrain: by \
      mae knn, probe, finetune, embed and weights export; nothing is reconstructed.

      Examples:
        mae contrastive fashion-mnist --out runs/moco --recipe moco-v3-fashion-mnist
        mae contrastive photos/ --out runs/crops --set augmentation=crop
        mae launch --processes 2 contrastive photos/ --out runs/moco
      Recipes: mae recipes list. Every field of one can be set by its path: mae recipes show NAME.

      Ctrl-C writes a checkpoint and ends; --resume continues exactly where the run stood.
      """)

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "The run folder: recipe, checkpoints, curves.")
  var out: String

  @OptionGroup var options: RunOptions

  func run() throws {
    try options.train(
      ContrastiveTask.self, ContrastiveInputs(data: dataPath(data), named: data),
      from: RecipeBooks.contrastive, out: out)
  }
}
