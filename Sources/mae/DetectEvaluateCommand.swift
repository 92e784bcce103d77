import ArgumentParser
import Datasets
import FileSystem
import Inference
import Recipes
import Runs
import Torch
import Training

/// A detector that a command uses.
struct DetectorOptions: ParsableArguments {
  @Argument(
    help: "A run folder of mae detect train, a checkpoint, or a file in ViTDet's names.",
    completion: .file())
  var model: String

  /// Loads the detector.
  func load(_ options: DetectComputeOptions) throws -> LoadedDetector {
    var loaded = try LoadedDetector(model, on: options.compute.open())
    for note in loaded.notes { warn("note: \(model): \(note)") }
    loaded.precision = options.precision.type
    if options.precision == .auto {
      warn("note: precision \(loaded.choosePrecision().line)")
    }
    return loaded
  }
}

/// How a detector is run over pictures.
struct DetectComputeOptions: ParsableArguments {
  @Option(help: "Pictures computed at a time.")
  var batch = 1

  @Option(help: precisionHelp)
  var precision = Precision.float32

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if batch < 1 { throw ValidationError("--batch is \(batch); expected at least 1") }
  }
}

/// How a detector does on pictures whose objects are known.
struct DetectEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluate a detector: COCO's numbers for boxes and masks, classes.",
    discussion: """
      Classes must be the model's, by name. In the run folder, results.json and report.html are kept up \
      to date. mae detect score gives the same numbers for the file that --results writes.

      Examples:
        mae detect evaluate runs/objects scenes/
        mae detect evaluate runs/objects coco/ --results detections.json --csv classes.csv
      """)

  @OptionGroup var model: DetectorOptions

  @Argument(help: "A COCO folder or file, as for mae detect train.", completion: .directory)
  var data: String

  @Option(help: "Which part of a divided set: validation or training.")
  var split = DatasetSplit.validation

  @Option(help: "The folder with the pictures of a COCO file.", completion: .directory)
  var images: String?

  @Flag(help: "Leave out pictures that are not there.")
  var skipMissing = false

  @Option(help: "Write what is found to this JSON file, as COCO has it.")
  var results: String?

  @Option(help: "Write the result of each class to this CSV file.")
  var csv: String?

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: DetectComputeOptions

  func run() throws {
    for path in [csv, results].compactMap(\.self) {
      try requireWritable(path, overwrite: overwrite)
    }
    let loaded = try model.load(options)
    let path = try dataPath(data)
    let set = try DetectionSet(
      at: path, split: split, pictures: images, purpose: .scoring, skipsMissing: skipMissing)
    for note in set.notes { warn("note: \(data): \(note)") }
    var live = LiveCount("evaluating")
    defer { live.clear() }
    let result = try DetectionEvaluation(
      of: set, named: data, by: loaded, batch: options.batch, brokenLimit: broken.limit(),
      progress: { live.add($0) })
    live.clear()
    for line in result.lines { print(line) }
    warn(result.broken)
    let record = result.record(model: loaded.source, data: data)
    if let csv {
      func field(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
      try writeLines(
        ["class,box_ap,mask_ap,objects"]
          + record.classes.map {
            "\(CSVText.field($0.name)),\(field($0.boxes)),\(field($0.masks)),\($0.objects)"
          }, to: csv)
    }
    if let results {
      let file = DetectionFile(result.results, of: set.annotations)
      try writeFile(Array(file.text.utf8), to: results)
    }
    let name = split == .validation ? data : "\(data) (\(split.rawValue))"
    try mae.record(in: model.model) {
      var others = $0.detected ?? [:]
      others[name] = record
      $0.detected = others
    }
  }
}
