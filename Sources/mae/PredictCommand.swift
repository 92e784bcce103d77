import Inference
import MaskedAutoencoders
import Recipes
import Runs
import ArgumentParser
import Datasets
import Foundation
import Torch
import Training

/// Labels and probabilities for images.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Tell the classes of images with a fine-tuned model.",
    discussion: """
      A line for each image, in order, while they are read: any number of images takes the same memory. \
      An image that cannot be decoded is named on standard error and marked in the output; the exit \
      status is 0 as long as one could be, 65 where none could, 66 where a word names nothing.

      Examples:
        mae predict runs/flowers photo.jpg
        mae predict runs/flowers photos/ --top 1 --format csv --out labels.csv
        curl -s https://example.org/photo.jpg | mae predict runs/flowers - --format json
        find photos/ -name '*.jpg' | mae predict runs/flowers --files-from - --format jsonl
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var inputs: InputOptions

  @Option(help: "Classes told of each image, the likeliest first.")
  var top = 5

  @Option(help: "table, json, jsonl (an object a line) or csv.")
  var format = PredictionText.Format.table

  @Option(help: "The file to write; standard output unless given.")
  var out: String?

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  @OptionGroup var options: PassOptions

  func validate() throws {
    if top < 1 { throw ValidationError("--top is \(top); expected at least 1") }
    if inputs.isEmpty {
      throw ValidationError(
        "name images: files, folders, lists, - for standard input, or --files-from FILE")
    }
  }

  func run() throws {
    CleanEnd.install()
    let device = try options.compute.open()
    let loaded = try model.load(on: device, readsImages: true)
    let predictor = try Predictor(options.pass(with: loaded), top: top)
    let output = try TextOutput(out, overwrite: overwrite)
    var text = PredictionText(format, top: predictor.top)
    var live = LiveCount("predicting", isShown: out != nil)
    var (whole, broken, first) = (0, 0, "")
    try inputs.forEachPart { part in
      if whole + broken == 0 { try output.write(text.opening) }
      whole += try predictor.run(over: part.images, named: part.name) { predictions in
        for case (let image, let problem?) in predictions.map({ ($0.image, $0.problem) }) {
          live.say("not decoded: \(image): \(problem)")
          if broken == 0 { first = "\(image): \(problem)" }
          broken += 1
        }
        try output.write(text.text(for: predictions))
        live.add(predictions.count)
      }
    }
    live.clear()
    if whole > 0 || out == nil { try output.write(text.closing) }
    guard whole > 0 else {
      throw RunFailure(
        .badData,
        broken == 1
          ? "\(first)" : "none of \(broken) images could be decoded; the first is \(first)")
    }
    try output.finish()
    if let out {
      print("wrote \(whole) predictions to \(out)" + (broken > 0 ? ", \(broken) not decoded" : ""))
    }
  }
}
