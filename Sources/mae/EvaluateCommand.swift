import ArgumentParser
import Datasets
import Evaluation
import Foundation
import Imaging
import Torch
import Training

/// How a classifier does on labelled images.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Judge a fine-tuned model: accuracy, classes, calibration, confusion, robustness.",
    discussion: """
      Classes are matched by their names, in any order. Of the set that a run has learned from, the images \
      that it held back judge. Images are shown as is customary: the short side \
      resized to size / 0.875 (to size above 224 pixels), bicubic, and the middle cut out.

      A folder laid out as ImageNet-C (gaussian_noise/1/n01440764/…) is recognised and judged by its \
      corruption errors. ImageNet-A and -R are judged among their own classes: --competing set.

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

  @Option(help: "Count an image as found where its class is among the first so many, too.")
  var top = 5

  @Option(help: "Which classes compete: all of the model's, or those of the set.")
  var competing = ClassMatching.Competing.all

  @Option(help: "Write what became of each class, or of each corruption, to this CSV file.")
  var csv: String?

  @Option(help: "Write which class was taken for which to this .png or .csv file.")
  var confusion: String?

  @Option(help: "Write everything to this JSON file.")
  var json: String?

  @Flag(help: "Replace existing files.")
  var overwrite = false

  @OptionGroup var options: PassOptions

  func validate() throws {
    if top < 1 { throw ValidationError("--top is \(top); expected at least 1") }
    if let confusion, !confusion.hasSuffix(".png"), !confusion.hasSuffix(".csv") {
      throw ValidationError("--confusion is \(confusion); expected a name ending in .png or .csv")
    }
  }

  func run() throws {
    for path in [csv, confusion, json].compactMap(\.self) {
      try requireWritable(path, overwrite: overwrite)
    }
    let device = try options.compute.open()
    let loaded = try model.load(on: device, readsImages: true)
    _ = try loaded.requireClassifier()
    let pass = try options.pass(with: loaded)
    let path = try dataPath(data)
    var live = LiveCount("evaluating")
    defer { live.clear() }
    if let set = corruptions(at: path) {
      let result = try RobustnessEvaluation(
        of: set, named: data, by: pass, progress: { live.add($0) }
      ) { part, result in
        live.say(
          "\(part.corruption ?? "") \(part.severity ?? 0): top-1 error "
            + percent(1 - result.scores.tally.top1))
      }
      live.clear()
      try report(result, loaded)
    } else {
      let (images, isHeldBack) = try open(path, for: loaded)
      say(notesOf: images, named: data)
      let result = try ClassifierEvaluation(
        of: images, named: data, by: pass, competing: competing, progress: { live.add($0) })
      live.clear()
      try report(result, loaded, isHeldBack: isHeldBack)
    }
  }

  private func corruptions(at path: String) -> RobustnessSet? {
    guard split == nil, let set = try? RobustnessSet(path: path), set.kind == .corruptions else {
      return nil
    }
    return set
  }

  /// The part asked for. Of a set that is not divided all of it, or of the one that the run has
  /// learned from the images that were held back, unless a part was named.
  private func open(
    _ path: String, for model: LoadedModel
  ) throws -> (images: any ImageDataset, isHeldBack: Bool) {
    if let split { return (try openDataset(at: path, split: split), false) }
    if let image = ImageFileDataset(path: path) { return (image, false) }
    do throws(DatasetError) {
      return (try openDataset(at: path, split: .validation), false)
    } catch {
      guard error.kind == .missingSplit else { throw error }
    }
    let images = try openDataset(at: path)
    guard let learned = try LearnedImages(of: model) else { return (images, false) }
    let unseen = try learned.unseen(of: images, at: path)
    if let remark = unseen.remark { complain("note: \(data): \(remark)") }
    return (unseen.images, unseen.isHeldBack)
  }

  private func percent(_ share: Double) -> String { "\(fixed(share * 100, 2)) %" }

  private func row(_ name: String, _ value: String) {
    print(name.padding(toLength: 20, withPad: " ", startingAt: 0) + value)
  }

  private func note(_ remarks: [String], _ broken: [UndecodableImage]) {
    for remark in remarks { complain("note: \(data): \(remark)") }
    for image in broken.prefix(5) { complain("not decoded: \(image)") }
    if broken.count > 5 { complain("not decoded: … \(broken.count) images in all") }
  }

  // MARK: labelled images

  private func report(
    _ result: ClassifierEvaluation, _ loaded: LoadedModel, isHeldBack: Bool
  ) throws {
    note(result.remarks, result.broken)
    let found = RunResults.Evaluated(result, top: top, model: loaded.source, data: data)
    let matrix = result.scores.tally.confusion
    let names = result.scores.subset.names
    let hits = Int((result.scores.tally.top1 * Double(found.images)).rounded())
    row("top-1", "\(percent(result.scores.tally.top1))  (\(hits) of \(found.images) images)")
    for (count, share) in found.topK ?? [:] { row("top-\(count)", percent(share)) }
    row("mean of classes", percent(matrix.meanClassAccuracy))
    row("calibration error", percent(result.scores.calibration.expectedError))
    row(
      "throughput",
      "\(fixed(result.imagesPerSecond, 1)) images/s, reading and decoding included")
    printClasses(matrix, names)
    try writeText(csv, lines: matrix.classLines(names: names))
    if let confusion, confusion.hasSuffix(".csv") {
      try writeText(confusion, lines: matrix.csvLines(names: names))
    } else if let confusion {
      let picture = MatrixPicture(
        title: data, names: names, counts: matrix.counts,
        footer: [
          "Rows are true classes, columns what they were taken for, in parts of the row. Top-1 "
            + "\(percent(result.scores.tally.top1)) of \(found.images) images."
        ])
      try writeFile(try picture.encodedAsPNG(), to: confusion)
    }
    let classes = zip(names, zip(matrix.examples, matrix.classAccuracy)).map {
      EvaluationFile.ClassResult(name: $0, images: $1.0, accuracy: $1.1)
    }
    try keep(
      found, EvaluationFile(result: found, classes: classes),
      part: isHeldBack ? "held back" : split?.rawValue)
  }

  /// All classes where there are few, otherwise those with the lowest accuracy.
  private func printClasses(_ matrix: ConfusionMatrix, _ names: [String]) {
    let accuracy = matrix.classAccuracy
    let examples = matrix.examples
    var shown = names.indices.filter { examples[$0] > 0 }
    let few = 20
    if shown.count > few {
      shown.sort { (accuracy[$0] ?? 0, $0) < (accuracy[$1] ?? 0, $1) }
      shown = Array(shown.prefix(10))
      print("classes with the lowest accuracy:")
    }
    let widest = shown.map { names[$0].count }.max() ?? 0
    for label in shown {
      let name = names[label]
      let gap = String(repeating: " ", count: widest - name.count)
      let mistake = matrix.mostFrequentMistake(of: label).map {
        ", \($0.count) taken for \(names[$0.prediction])"
      }
      print(
        "  \(name)\(gap)  \(percent(accuracy[label] ?? 0)) of \(examples[label])"
          + (mistake ?? ""))
    }
  }

  // MARK: corruptions

  private func report(_ result: RobustnessEvaluation, _ loaded: LoadedModel) throws {
    note(result.remarks, result.broken)
    if confusion != nil { complain("note: --confusion is not drawn for a set of corruptions") }
    let scores = result.scores
    print("top-1 errors in percent at severities 1 to 5, their mean, and it relative to AlexNet's:")
    func cell(_ value: Double?) -> String {
      let text = value.map { fixed($0 * 100, 1) } ?? "–"
      return String(repeating: " ", count: max(0, 7 - text.count)) + text
    }
    for name in scores.corruptions {
      let errors = CorruptionScores.severities.map { cell(scores.error(of: name, severity: $0)) }
      let relative = Corruption(rawValue: name).flatMap(scores.corruptionError)
      print(
        name.padding(toLength: 20, withPad: " ", startingAt: 0) + errors.joined()
          + cell(scores.error(of: name)) + cell(relative))
    }
    row("mean error", scores.meanError.map(percent) ?? "–")
    row("mCE", scores.meanCorruptionError.map(percent) ?? "–")
    row(
      "throughput", "\(fixed(result.imagesPerSecond, 1)) images/s, \(result.images) images")
    if !scores.missing.isEmpty {
      let names = scores.missing.map(\.rawValue).joined(separator: ", ")
      complain("note: \(data): there is no mCE, as severities are missing of \(names)")
    }
    try writeText(csv, lines: scores.csvLines)
    let found = RunResults.Evaluated(result, model: loaded.source, data: data)
    try keep(found, EvaluationFile(result: found, classes: nil), part: nil)
  }

  // MARK: files

  private func writeText(_ path: String?, lines: some Sequence<String>) throws {
    guard let path else { return }
    try makeFolder(above: path)
    try replaceFile(at: path) { (file) throws(FileError) in
      for line in lines { try file.write(line + "\n") }
    }
  }

  private func keep(
    _ found: RunResults.Evaluated, _ file: EvaluationFile, part: String?
  ) throws {
    if let json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try writeFile([UInt8](try encoder.encode(file)) + [0x0A], to: json)
    }
    let name = part.map { "\(data) (\($0))" } ?? data
    try tell(model.model) {
      $0.evaluated[competing == .all ? name : name + ", its classes only"] = found
    }
  }
}

/// What `--json` writes.
private struct EvaluationFile: Encodable {
  struct ClassResult: Encodable {
    let name: String
    let images: Int
    let accuracy: Double?
  }

  let result: RunResults.Evaluated
  let classes: [ClassResult]?
}
