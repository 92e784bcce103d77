import ArgumentParser
import DataParallel
import Datasets
import Evaluation
import Figures
import FileSystem
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import Training

/// How a classifier does on labelled images.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluate a classifier: accuracy, classes, calibration, confusion, robustness.",
    discussion: """
      Classes are matched by their names, in any order. Of the set that a run was trained on, the images \
      that it held back are evaluated. Images are prepared as is customary: the short side \
      resized to size / 0.875 (to size above 224 pixels), bicubic, and the middle cut out.

      A folder laid out as ImageNet-C (gaussian_noise/1/n01440764/…) is recognised and evaluated by its \
      corruption errors. ImageNet-A and -R are evaluated among their own classes: --competing set.

      In the run folder, results.json and report.html are kept up to date.

      Examples:
        mae evaluate runs/flowers flowers/
        mae evaluate runs/flowers flowers/ --csv classes.csv --confusion confusion.png
        mae evaluate runs/imagenet imagenet-a/ --competing set
        mae evaluate runs/imagenet imagenet-c/ --csv corruptions.csv
      """)

  @OptionGroup var model: ModelOptions

  @Argument(
    help: "Labelled images: class folders, a list with classes, an IDX folder, or a fetched set.",
    completion: .directory)
  var data: String

  @Option(help: "Which part of a divided set: validation or training; validation unless given.")
  var split: DatasetSplit?

  @Option(
    help: "Count an image as right where its class is among the first so many predictions, too.")
  var top = 5

  @Option(help: "Which classes compete: all of the model's, or those of the set.")
  var competing = ClassMatching.Competing.all

  @Option(help: "Write the result of each class, or of each corruption, to this CSV file.")
  var csv: String?

  @Option(
    help: "Write which class was taken for which to this .csv, .png, .jpg, .webp or .svg file.")
  var confusion: String?

  @Option(help: "Write everything to this JSON file.")
  var json: String?

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: InferenceOptions
  @OptionGroup var processes: ProcessOptions

  func validate() throws {
    if top < 1 { throw ValidationError("--top is \(top); expected at least 1") }
    try checkFigure(confusion, option: "--confusion", or: [".csv"])
  }

  func run() throws {
    for path in [csv, confusion, json].compactMap(\.self) {
      try requireWritable(path, overwrite: overwrite)
    }
    try processes.work(options.compute, evaluate)
  }

  private func evaluate(in group: DataParallelGroup, on device: Device) throws {
    let loaded = try model.load(on: device, readsImages: true)
    _ = try loaded.requireClassifier()
    let inference = try options.inference(with: loaded, in: group, givesAll: true)
    let found = try EvaluationData(at: dataPath(data), split: split, for: loaded)
    if let warning = found.warning { warn("note: \(data): \(warning)") }
    var live = LiveCount("evaluating")
    defer { live.clear() }
    switch found.content {
    case .images(let images):
      say(notesOf: images, named: data)
      let result = try EvaluationResult(
        of: images, named: data, by: inference, competing: competing, brokenLimit: broken.limit(),
        progress: { live.add($0) })
      live.clear()
      guard group.isFirst else { return }
      let record = RunResults.Evaluated(result, top: top, model: loaded.source, data: data)
      report(result.warnings, result.lines(record), result.broken)
      try writeLines(result.classTable, to: csv)
      if let confusion, confusion.hasSuffix(".csv") {
        try writeLines(result.confusionTable, to: confusion)
      } else if let confusion {
        try write(result.confusionPicture(title: data), to: confusion)
      }
      try keep(record, document: result.json(record), part: found.part)
    case .corruptions(let set):
      let result = try RobustnessEvaluation(
        of: set, named: data, by: inference, brokenLimit: broken.limit(),
        progress: { live.add($0) }
      ) { part, result in
        live.say(
          "\(part.corruption ?? "") \(part.severity ?? 0): top-1 error "
            + "\(fixed((1 - result.tally.top1) * 100, 2)) %")
      }
      live.clear()
      guard group.isFirst else { return }
      let record = RunResults.Evaluated(result, model: loaded.source, data: data)
      let unused = confusion.map { _ in "--confusion is not drawn for a set of corruptions" }
      report(
        result.warnings + [unused, result.missing].compactMap(\.self), result.lines, result.broken)
      try writeLines(result.table, to: csv)
      try keep(record, document: result.json(record), part: nil)
    }
  }

  private func report(_ warnings: [String], _ lines: [String], _ broken: [UndecodableImage]) {
    for warning in warnings { warn("note: \(data): \(warning)") }
    for line in lines { print(line) }
    warn(broken)
  }

  private func keep(
    _ evaluated: RunResults.Evaluated, document: [UInt8], part: String?
  ) throws {
    if let json { try writeFile(document, to: json) }
    let name = part.map { "\(data) (\($0))" } ?? data
    try record(in: model.model) {
      $0.evaluated[competing == .all ? name : name + ", its classes only"] = evaluated
    }
  }
}
