import ArgumentParser
import Datasets
import FileSystem
import Foundation
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import Training

/// Labels and probabilities for images.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict the classes of images with a fine-tuned model.",
    discussion: """
      A line for each image, in order, while they are read: any number of images takes the same memory. \
      An image that cannot be decoded is named on standard error and marked in the output; the exit \
      status is 0 as long as one could be and no more are broken than --broken-limit allows, else 65; 66 \
      where a word names nothing.

      Examples:
        mae predict runs/flowers photo.jpg
        mae predict runs/flowers photos/ --top 1 --format csv --out labels.csv
        curl -s https://example.org/photo.jpg | mae predict runs/flowers - --format json
        find photos/ -name '*.jpg' | mae predict runs/flowers --files-from - --format jsonl
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var inputs: InputOptions

  @Option(help: "Classes predicted for each image, the most probable first.")
  var top = 5

  @Option(help: "table, json, jsonl (an object a line) or csv.")
  var format = PredictionText.Format.table

  @Option(help: "The file to write; standard output unless given.")
  var out: String?

  @Flag(help: "Replace an existing file.")
  var overwrite = false

  @OptionGroup var broken: BrokenOptions
  @OptionGroup var options: InferenceOptions

  func validate() throws {
    if top < 1 { throw ValidationError("--top is \(top); expected at least 1") }
    if inputs.isEmpty {
      throw ValidationError(
        "name images: files, folders, lists, - for standard input, or --files-from FILE")
    }
  }

  func run() throws {
    SignalCleanup.install()
    let device = try options.compute.open()
    let loaded = try model.load(on: device, readsImages: true)
    let predictor = try Predictor(options.inference(with: loaded), top: top)
    let output = try TextOutput(out, overwrite: overwrite)
    var text = PredictionText(format, top: predictor.top)
    var live = LiveCount("predicting", isShown: out != nil)
    var isOpened = false
    let outcome = try predictor.run(
      over: inputs.source(), brokenLimit: broken.limit(unlessGiven: .none)
    ) { predictions in
      if !isOpened { try output.write(text.opening) }
      isOpened = true
      for prediction in predictions {
        if let problem = prediction.problem {
          live.say("not decoded: \(prediction.image): \(problem)".oneLine)
        }
      }
      try output.write(text.text(for: predictions))
      live.add(predictions.count)
    }
    live.clear()
    if isOpened, outcome.count > 0 || out == nil { try output.write(text.closing) }
    try outcome.check()
    try output.finish()
    if let out {
      print(
        "wrote \(outcome.count) predictions to \(out)"
          + (outcome.broken > 0 ? ", \(outcome.broken) not decoded" : ""))
    }
  }
}
