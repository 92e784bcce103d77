import ArgumentParser
import Datasets
import Foundation
import Recipes
import Runs
import Training

/// Training a detector on a pre-trained encoder, or from scratch.
struct DetectTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a detector on a pre-trained encoder, another detector, or from scratch.",
    discussion: """
      DATA is a COCO folder (annotations/instances_train.json and _val.json beside the pictures), or one \
      such file. Objects may have polygons, run lengths or boxes alone.

      Examples:
        mae detect train runs/first scenes/ --out runs/objects
        mae detect train runs/first scenes/ --out runs/few --fraction 0.1
        mae detect train --scratch --like runs/first scenes/ --out runs/scratch
        mae detect train vit-mae-base/ coco/ --out runs/coco --recipe vitdet-base
      Recipes: mae recipes list.

      Ctrl-C writes a checkpoint and ends; --resume continues exactly where the run stood.
      """)

  @Argument(
    help: ArgumentHelp(
      """
      The encoder, then the pictures with objects: a run folder, a checkpoint, a folder of Hugging \
      Face's or timm's, or a file; with --scratch DATA alone.
      """, valueName: "model> <data"), completion: .file())
  var words: [String] = []

  @Option(
    help: "Pictures with objects to validate on; the validation part of DATA, or a tenth of it.")
  var validation: String?

  @Option(help: "The run folder: recipe, checkpoints, curves.")
  var out: String

  @Flag(help: "Start from random weights.")
  var scratch = false

  @Option(help: "With --scratch, a run folder whose encoder's shape is taken.")
  var like: String?

  @Option(help: "Learn from this share of the labelled pictures: the recipe's labels.fraction.")
  var fraction: Double?

  @Option(help: "The folder with the pictures of a COCO file.", completion: .directory)
  var images: String?

  @Flag(help: "Leave out pictures that are not there.")
  var skipMissing = false

  @OptionGroup var hints: HintOptions
  @OptionGroup var options: RunOptions

  func validate() throws {
    let wanted = scratch ? 1 : 2
    guard words.count == wanted else {
      throw ValidationError(
        scratch
          ? "name the pictures with objects, and no encoder with --scratch: mae detect train --scratch "
            + "DATA --out RUN"
          : "name an encoder and the pictures with objects: mae detect train MODEL DATA --out RUN; or "
            + "add --scratch and leave the encoder out")
    }
    if like != nil, !scratch {
      throw ValidationError("--like goes with --scratch; an encoder comes with its shape")
    }
    if let fraction, !(fraction > 0 && fraction <= 1) {
      throw ValidationError("--fraction is \(fraction); expected a share above 0 and at most 1")
    }
  }

  func run() throws {
    let data = words[words.count - 1]
    let inputs = try DetectionInputs(
      model: scratch ? nil : words[0], like: like, hints: hints.hints, data: dataPath(data),
      validation: validation.map { word throws in try dataPath(word) }, pictures: images,
      skipsMissing: skipMissing, named: (data, validation))
    var options = options
    if let fraction { options.settings.append("labels.fraction=\(fraction)") }
    try options.train(DetectionTask.self, inputs, from: RecipeBooks.detection, out: out)
  }
}
