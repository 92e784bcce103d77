import ArgumentParser
import Datasets
import Evaluation
import Figures
import FileSystem
import Inference

/// How well label maps of any program agree with true ones.
struct SegmentScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Compare label maps of any program with true ones: mIoU, accuracy, boundary IoU.",
    discussion: """
      A prediction is a PNG file with the name of its picture and the numbers that the true label maps \
      have. Pixels whose true label is ignored are left out; all others are counted over the whole set, as \
      mmsegmentation does. The true labels are a set (its validation part where it is divided) or a \
      folder of label maps alone.

      Examples:
        mae segment score predictions/ --truth ADEChallengeData2016/
        mae segment score predictions/ --truth labels/val --classes classes.csv --json
        mae segment score predictions/ --truth scenes/ --csv classes.csv --confusion confusion.png
      """)

  @Argument(help: "The folder of predicted label maps.", completion: .directory)
  var predictions: String

  @Option(help: "The true label maps: a set, or a folder.", completion: .directory)
  var truth: String

  @OptionGroup var rules: LabelOptions

  @Flag(help: "Compare with the training part of a divided set.")
  var training = false

  @Flag(help: "Print the numbers as JSON.")
  var json = false

  @Option(help: "A file for a table of the classes.")
  var csv: String?

  @Option(help: "A .png, .jpg, .webp or .svg file for the confusion matrix.")
  var confusion: String?

  func validate() throws { try checkFigure(confusion, option: "--confusion") }

  func run() throws {
    let path = try dataPath(truth)
    let set = try openTruth(at: path, training: training, rules: rules.rules)
    let scoring = try LabelMapScoring(of: predictions, against: set, named: truth)
    for note in set.notes + scoring.notes { warn("note: \(note)") }
    let (scores, names) = (scoring.scores, scoring.names)
    if let csv {
      let text = scores.csvLines(names: names).joined(separator: "\n") + "\n"
      try replaceFile(at: csv) { (file) throws(FileError) in try file.write(text) }
    }
    if let confusion {
      let picture = MatrixPicture(
        title: "Confusion", names: names, counts: scores.confusion.counts,
        footer: [
          "Rows are true classes, columns predicted ones; darker is a larger part of the true class's "
            + "pixels."
        ])
      try write(picture, to: confusion)
    }
    if json {
      print(scores.json(names: names))
    } else {
      for line in scores.lines(names: names) { print(line) }
    }
  }
}
