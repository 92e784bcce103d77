import ArgumentParser
import Datasets
import Foundation
import Recipes
import Runs
import Training

/// Training a segmenter on a pre-trained encoder, or from scratch.
struct SegmentTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a segmenter on a pre-trained encoder, another segmenter, or from scratch.",
    discussion: """
      DATA is a folder with images/training and annotations/training (and validation), as ADE20K is; \
      images/train beside labels/train (and val); images beside labels; or a COCO file or folder. Classes \
      are named by classes.csv (id,name[,red,green,blue]) or classes.txt in it; ADE20K's are known.

      Examples:
        mae segment train runs/first scenes/ --out runs/scenes
        mae segment train runs/first scenes/ --out runs/few --fraction 0.1
        mae segment train --scratch --like runs/first scenes/ --out runs/scratch
        mae segment train vit-mae-base/ ade20k/ --out runs/ade20k --recipe upernet-base
      Recipes: mae recipes list.

      Ctrl-C writes a checkpoint and ends; --resume continues exactly where the run stood.
      """)

  @Argument(
    help: ArgumentHelp(
      """
      The encoder, then the pictures with labels: a run folder, a checkpoint, a folder of Hugging \
      Face's or timm's, or a file; with --scratch DATA alone.
      """, valueName: "model> <data"), completion: .file())
  var words: [String] = []

  @Option(
    help: "Pictures with labels to validate on; the validation part of DATA, or a tenth of it.")
  var validation: String?

  @Option(help: "The run folder: recipe, checkpoints, curves.")
  var out: String

  @Flag(help: "Start from random weights.")
  var scratch = false

  @Option(help: "With --scratch, a run folder whose encoder's shape is taken.")
  var like: String?

  @Option(help: "Learn from this share of the labelled pictures: the recipe's labels.fraction.")
  var fraction: Double?

  @OptionGroup var labels: LabelOptions
  @OptionGroup var hints: HintOptions
  @OptionGroup var options: RunOptions

  func validate() throws {
    let wanted = scratch ? 1 : 2
    guard words.count == wanted else {
      throw ValidationError(
        scratch
          ? "name the pictures with labels, and no encoder with --scratch: mae segment train --scratch "
            + "DATA --out RUN"
          : "name an encoder and the pictures with labels: mae segment train MODEL DATA --out RUN; or "
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
    var inputs = try SegmentationInputs(
      model: scratch ? nil : words[0], like: like, hints: hints.hints, data: dataPath(data),
      validation: validation.map { word throws in try dataPath(word) }, rules: labels.rules,
      named: (data, validation))
    inputs.rules.zeroIs = nil
    var options = options
    if let fraction { options.settings.append("labels.fraction=\(fraction)") }
    if let zeroIs = labels.zeroIs { options.settings.append("labels.zeroIs=\(zeroIs.rawValue)") }
    try options.train(SegmentationTask.self, inputs, from: RecipeBooks.segmentation, out: out)
  }
}
