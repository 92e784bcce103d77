import ArgumentParser
import Datasets
import DenseHeads
import Figures
import FileSystem
import Inference
import Recipes
import Runs
import Torch
import Training

/// A segmenter that a command uses.
struct SegmenterOptions: ParsableArguments {
  @Argument(
    help: """
      A run folder of mae segment train, a checkpoint, a folder of Hugging Face's \
      (BeitForSemanticSegmentation), or a file in MMSegmentation's or BEiT's names.
      """,
    completion: .file())
  var model: String

  /// Loads the segmenter and says what had to be assumed.
  func load(_ options: SegmentComputeOptions) throws -> LoadedSegmenter {
    var loaded = try LoadedSegmenter(model, on: options.compute.open())
    for note in loaded.notes { warn("note: \(model): \(note)") }
    loaded.precision = options.precision.type
    if let batch = options.batch { loaded.windows.batch = batch }
    if let stride = options.stride {
      guard stride <= loaded.windows.side else {
        throw ValidationError(
          "--stride is \(stride), and windows have \(loaded.windows.side) pixels; expected at most "
            + "as many")
      }
      loaded.windows.stride = stride
    }
    if options.precision == .auto {
      warn("note: precision \(loaded.choosePrecision().line)")
    }
    return loaded
  }
}

/// How a segmenter is run over pictures.
struct SegmentComputeOptions: ParsableArguments {
  @Option(help: "Windows computed at a time.")
  var batch: Int?

  @Option(help: "Pixels from window to window; the model's unless given.")
  var stride: Int?

  @Option(help: precisionHelp)
  var precision = Precision.float32

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    for (name, value) in [("batch", batch), ("stride", stride)] {
      if let value, value < 1 {
        throw ValidationError("--\(name) is \(value); expected at least 1")
      }
    }
  }
}

/// How a segmenter does on pictures whose pixels' classes are known.
struct SegmentEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluate a segmenter: mean IoU, accuracy, classes, boundaries, confusion.",
    discussion: """
      Each picture is evaluated at the size of its labels. Classes must be the model's, by name. In the \
      run folder, results.json and report.html are kept up to date.

      Examples:
        mae segment evaluate runs/scenes scenes/
        mae segment evaluate runs/scenes scenes/ --csv classes.csv --confusion confusion.png
      """)

  @OptionGroup var model: SegmenterOptions

  @Argument(help: "Pictures with labels, as for mae segment train.", completion: .directory)
  var data: String

  @Option(help: "Which part of a divided set: validation or training.")
  var split = DatasetSplit.validation

  @Option(help: "Write the result of each class to this CSV file.")
  var csv: String?

  @Option(
    help: "Write which class was taken for which to this .csv, .png, .jpg, .webp or .svg file.")
  var confusion: String?

  @Option(help: "Write everything to this JSON file.")
  var json: String?

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var labels: LabelOptions
  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: SegmentComputeOptions

  func validate() throws {
    try checkFigure(confusion, option: "--confusion", or: [".csv"])
  }

  func run() throws {
    for path in [csv, confusion, json].compactMap(\.self) {
      try requireWritable(path, overwrite: overwrite)
    }
    let loaded = try model.load(options)
    let set = try open(for: loaded)
    for note in set.notes { warn("note: \(data): \(note)") }
    var live = LiveCount("evaluating")
    defer { live.clear() }
    let result = try SegmentationEvaluation(
      of: set, named: data, by: loaded, brokenLimit: broken.limit(),
      progress: { live.add($0) })
    live.clear()
    let record = RunResults.Segmentation(result, model: loaded.source, data: data)
    for line in result.lines { print(line) }
    warn(result.broken)
    try writeLines(result.classTable, to: csv)
    if let confusion, confusion.hasSuffix(".csv") {
      try writeLines(result.confusionTable, to: confusion)
    } else if let confusion {
      try write(result.confusionPicture(title: data), to: confusion)
    }
    try writeLines([result.json], to: json)
    let name = split == .validation ? data : "\(data) (\(split.rawValue))"
    try mae.record(in: model.model) {
      var others = $0.segmented ?? [:]
      others[name] = record
      $0.segmented = others
    }
  }

  /// The part of the set; of one that is not divided all of it.
  private func open(for loaded: LoadedSegmenter) throws -> any LabelMapDataset {
    let path = try dataPath(data)
    var rules = labels.rules
    // A class called background is how a model says that it was taken for one.
    if rules.zeroIs == nil, let first = loaded.classNames.first {
      rules.zeroIs = first == "background" ? .background : nil
    }
    do throws(DatasetError) {
      return try openLabelMaps(at: path, split: split, rules: rules)
    } catch {
      guard error.kind == .missingSplit, split == .validation else { throw error }
      warn("note: \(data): it has no validation part; all of it is evaluated")
      return try openLabelMaps(at: path, rules: rules)
    }
  }
}
