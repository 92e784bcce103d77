import ArgumentParser
import Datasets
import Evaluation
import FileSystem
import Inference

/// COCO's numbers for detections of any program.
struct DetectScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score detections of any program with COCO's twelve numbers.",
    discussion: """
      RESULTS is a JSON list with image_id, category_id, bbox, score and, for masks, segmentation. The \
      numbers are pycocotools'; of true objects whose id is 0 they are right, where pycocotools' are too \
      low. Masks are compared by their own areas, also where results carry boxes as well.

      Examples:
        mae detect score detections.json --truth annotations/instances_val.json
        mae detect score detections.json --truth annotations/instances_val.json --masks --json
      """)

  @Argument(help: "The detections.", completion: .file(extensions: ["json"]))
  var results: String

  @Option(help: "The true objects, a COCO file.", completion: .file(extensions: ["json"]))
  var truth: String

  @Flag(help: "Compare masks; boxes otherwise.")
  var masks = false

  @Flag(help: "Print the numbers as JSON.")
  var json = false

  @Option(help: "A file for precision at each recall of each class, at an overlap of 0.5.")
  var curves: String?

  func run() throws {
    let set = try COCOAnnotations(path: truth, forScoring: true)
    for line in set.problems.lines { warn("note: \(truth): \(line)") }
    let found = try DetectionResults(path: results, of: set, needsMasks: masks)
    let scoring = try DetectionScoring(found, against: set, kind: masks ? .masks : .boxes)
    let (precision, names) = (scoring.precision, scoring.names)
    if let curves {
      let text = precision.curveLines(names: names).joined(separator: "\n") + "\n"
      try replaceFile(at: curves) { (file) throws(FileError) in try file.write(text) }
    }
    if json {
      print(scoring.json)
    } else {
      let title =
        "\(scoring.kind.rawValue) of \(found.detections.count) detections, \(set.objects.count) "
        + "true objects on \(set.images.count) pictures"
      for line in precision.lines(names: names, title: title) { print(line) }
      print("what is wrong at an overlap of 0.5:")
      for line in scoring.errors.lines { print(line) }
    }
  }
}
