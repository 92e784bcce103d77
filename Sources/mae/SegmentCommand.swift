public import ArgumentParser
public import Datasets

/// The class of every pixel: training, evaluating, predicting, and scoring anybody's results.
struct SegmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment",
    abstract: "Semantic segmentation: the class of every pixel.",
    discussion: """
      Examples:
        mae segment train runs/first scenes/ --out runs/scenes
        mae segment evaluate runs/scenes scenes/
        mae segment predict runs/scenes photos/ --out labels/ --overlay pictures/
      """,
    subcommands: [
      SegmentTrainCommand.self, SegmentEvaluateCommand.self, SegmentPredictCommand.self,
    ])
}

/// What a set of pictures with labels does not say of itself.
struct LabelOptions: ParsableArguments {
  @Option(
    help:
      "What a label of 0 is, where the set does not say: background, a class of its own, or ignored."
  )
  var zeroIs: ZeroLabel?

  @Option(
    help: ArgumentHelp(
      "The classes: a CSV file of id,name[,red,green,blue], or a text of names from 0 on.",
      valueName: "file"), completion: .file())
  var classes: String?

  @Option(
    help: ArgumentHelp(
      "The folder of pictures below DATA, where it has another name than images.",
      valueName: "folder"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      "The folder of label maps below DATA, where it has another name than labels, masks or annotations.",
      valueName: "folder"))
  var labels: String?

  @Flag(help: "Leave out pictures that a COCO file names and that are not there.")
  var skipMissing = false

  var rules: LabelRules {
    LabelRules(
      zeroIs: zeroIs, classes: classes, images: images, labels: labels, skipsMissing: skipMissing)
  }
}

extension ZeroLabel: ExpressibleByArgument {}
