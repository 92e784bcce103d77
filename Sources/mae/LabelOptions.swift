public import ArgumentParser
public import Datasets

extension ZeroLabel: ExpressibleByArgument {}

/// What is to be said of a set of label maps where it does not say it itself.
struct LabelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The classes: classes.csv (id,name[,red,green,blue]), classes.txt (a name a line, from 0), or "
        + "their number.", valueName: "file"))
  var classes: String?

  @Option(help: "What the label 0 is where the set does not say: background or ignored.")
  var zeroIs: ZeroLabel?

  @Option(help: "The folder of pictures, where it is not called images.")
  var images: String?

  @Option(help: "The folder of label maps, where it is not called labels, masks or annotations.")
  var labels: String?

  @Flag(help: "Leave out pictures that a COCO file names and that are not there.")
  var skipMissing = false

  /// As the library takes them.
  var rules: LabelRules {
    LabelRules(
      zeroIs: zeroIs, classes: classes, images: images, labels: labels,
      skipsMissing: skipMissing)
  }
}
