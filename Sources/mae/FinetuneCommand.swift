import ArgumentParser
import Datasets
import Foundation
import Recipes
import Torch
import Training

/// What fine-tuning and training from scratch have in common.
struct FinetuningOptions: ParsableArguments {
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

  /// Trains a classifier.
  ///
  /// - Parameters:
  ///   - model: The encoder to start from; nil from scratch.
  ///   - shape: The run whose shape is taken from scratch.
  ///   - standard: The recipe where none is named.
  func train(
    from model: String?, like shape: String?, hints: HintOptions, standard: String
  ) throws {
    let isFromScratch = model == nil
    let home = model ?? shape
    let named = try FinetuningBook.resolve(recipe ?? standard, settings: settings)
    let out = try out ?? inside(home, named.folderName(data: data, isFromScratch: isFromScratch))
    let opening: RunFolder.Opening = resume ? .resume : overwrite ? .overwrite : .new
    try look(into: out, opening, as: model.map(RunOrigin.finetuning) ?? .scratch)
    let recipe = try resolved(named, out: out)
    let device = try compute.open()
    Interrupts.install()
    let run = try Finetuning(
      recipe,
      Finetuning.Settings(
        model: model, like: shape, hints: hints.hints, data: dataPath(data),
        validation: validation.map { word throws in try dataPath(word) }, out: out,
        opening: opening, device: device, stopAfter: stopAfter))
    try FinetuningSession(
      run, data: data, validation: validation, isFromScratch: isFromScratch, home: home
    ).run()
  }

  /// The folder of a run that none is named for.
  private func inside(_ home: String?, _ name: String) throws -> String {
    guard let home, FileManager.default.fileExists(atPath: home + "/recipe.yaml") else {
      throw ValidationError("name the classifier's run folder with --out")
    }
    return "\(home)/classifiers/\(name)"
  }

  /// The recipe of a new run, or of the run that is gone on with.
  private func resolved(_ named: FinetuningRecipe, out: String) throws -> FinetuningRecipe {
    let own = out + "/recipe.yaml"
    guard resume, FileManager.default.fileExists(atPath: own) else { return named }
    let kept = try FinetuningBook.resolve(own)
    return try kept.resumed(
      with: recipe == nil ? FinetuningBook.resolve(own, settings: settings) : named)
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
        mae finetune runs/first flowers/ --set trained.blocks=4
        mae finetune runs/first flowers/ --recipe linear-probe
        mae finetune runs/first fashion-mnist --set labels.fraction=0.01 --out runs/few-labels
        mae finetune vit-mae-base/ IMAGENET --out runs/imagenet --recipe finetune-vit-base
      Recipes: mae recipes list. trained.blocks is null for everything, k for the last k blocks, 0.5 for \
      the last block's perceptron, 0 for the head alone.

      Ctrl-C writes a checkpoint and ends; --resume goes on exactly where the run stood. Without --out \
      the classifier's folder is classifiers/ in the encoder's run folder.
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var options: FinetuningOptions

  func run() throws {
    try options.train(
      from: model.model, like: nil, hints: model.hints, standard: FinetuningBook.standard.name)
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

  @OptionGroup var options: FinetuningOptions

  @Option(help: "A run folder whose encoder's shape is taken, and in which the result is reported.")
  var like: String?

  @OptionGroup var hints: HintOptions

  func run() throws {
    try options.train(
      from: nil, like: like, hints: hints, standard: FinetuningBook.standard.name)
  }
}
