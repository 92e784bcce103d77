import ArgumentParser
import Datasets
import Foundation
import Recipes
import Runs
import Torch
import Training

/// What fine-tuning and training from scratch have in common.
struct ClassificationOptions: ParsableArguments {
  @Argument(
    help: "Labelled images: class folders, a list with classes, an IDX folder, or a fetched set.",
    completion: .directory)
  var data: String

  @Option(
    help: """
      Labelled images to validate on; the validation part of DATA unless given, or a tenth of it \
      where it has none.
      """)
  var validation: String?

  @Option(help: "The classifier's run folder; one inside the encoder's unless given.")
  var out: String?

  @OptionGroup var options: RunOptions

  /// Trains a classifier.
  ///
  /// - Parameters:
  ///   - model: The encoder to start from; nil from scratch.
  ///   - shape: The run whose shape is taken from scratch.
  func train(from model: String?, like shape: String?, hints: HintOptions) throws {
    let inputs = try ClassificationInputs(
      model: model, like: shape, hints: hints.hints, data: dataPath(data),
      validation: validation.map { word throws in try dataPath(word) },
      named: (data, validation))
    let book = RecipeBooks.classification
    let out =
      try out
      ?? inside(
        model ?? shape,
        book.resolve(options.recipe, settings: options.settings)
          .folderName(data: data, isFromScratch: inputs.isFromScratch))
    try options.train(ClassificationTask.self, inputs, from: book, out: out)
  }

  /// The folder of a run that none is named for.
  private func inside(_ home: String?, _ name: String) throws -> String {
    guard let home, FileManager.default.fileExists(atPath: home + "/recipe.yaml") else {
      throw ValidationError("name the classifier's run folder with --out")
    }
    return "\(home)/classifiers/\(name)"
  }
}

/// Fine-tuning, partial fine-tuning and the paper's linear probe: labels on a pre-trained encoder.
struct FinetuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Train a classifier on a pre-trained encoder: all of it, its last blocks, or a head.",
    discussion: """
      Examples:
        mae finetune runs/first flowers/
        mae finetune runs/first flowers/ --set trainableBlocks=4
        mae finetune runs/first flowers/ --recipe linear-probe
        mae finetune runs/first fashion-mnist --set labels.fraction=0.01 --out runs/few-labels
        mae finetune vit-mae-base/ IMAGENET --out runs/imagenet --recipe finetune-vit-base
      Recipes: mae recipes list. trainableBlocks is null for everything, k for the last k blocks, 0.5 for \
      the last block's perceptron, 0 for the head alone.

      Ctrl-C writes a checkpoint and ends; --resume continues exactly where the run stood. Without --out \
      the classifier's folder is classifiers/ in the encoder's run folder.
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var options: ClassificationOptions

  func run() throws {
    try options.train(from: model.model, like: nil, hints: model.hints)
  }
}

/// Supervised training from random weights: what pre-training is compared with.
struct ScratchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scratch",
    abstract: "Train a classifier from random weights, to compare pre-training with.",
    discussion: """
      Examples:
        mae scratch fashion-mnist --like runs/first --recipe finetune-fashion-mnist
        mae scratch IMAGENET --out runs/scratch --recipe paper-table11-scratch-vit-base
      """)

  @OptionGroup var options: ClassificationOptions

  @Option(help: "A run folder whose encoder's shape is taken, and in which the result is reported.")
  var like: String?

  @OptionGroup var hints: HintOptions

  func run() throws {
    try options.train(from: nil, like: like, hints: hints)
  }
}
