import ArgumentParser
import Datasets
import FileSystem
import Foundation
import Imaging
import Inference
import MaskedAutoencoders
import Recipes
import Runs
import Torch
import Training

/// How fast images are classified and embedded.
struct UseBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "use",
    abstract: "Time classifying and embedding images.",
    discussion: """
      From files: read, decode, resize, compute. From pixels: the same of decoded images in memory.

      Example:
        mae bench use CHECKPOINT photos/ --rounds 5
      """)

  @Argument(help: "A classifier: a run folder or a checkpoint.", completion: .directory)
  var model: String

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "Rounds that are timed.")
  var rounds = 7

  @OptionGroup var options: InferenceOptions

  @Flag(help: onRequestHelp)
  var onRequest = false

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds); expected at least 1") }
  }

  func run() throws {
    let device = try options.compute.open()
    let loaded = try LoadedModel(model, on: device)
    let inference = try options.inference(with: loaded)
    let files = try openDataset(at: dataPath(data))
    let pixels = try Self.decoded(files, for: loaded)
    let predictor = try Predictor(inference)
    let embedder = try Embedder(inference, as: .features)
    /// Images a second of a way to use the model.
    func rate(_ run: @escaping () throws -> Int) -> () throws -> Double {
      {
        let start = ContinuousClock.now
        return Double(try run()) / ((ContinuousClock.now - start) / .seconds(1))
      }
    }
    let ways: [(question: String, words: String, rate: () throws -> Double)] = [
      (
        "files", "classified from files",
        rate { try predictor.run(over: files, named: data) { _ in } }
      ),
      (
        "features", "embedded from files",
        rate { try embedder.run(over: files, named: data) { _ in } }
      ),
      (
        "pixels", "classified from pixels",
        rate { try predictor.run(over: pixels, named: data) { _ in } }
      ),
    ]
    for way in ways { _ = try way.rate() }
    if onRequest {
      try answerRequests(
        Dictionary(uniqueKeysWithValues: ways.map { ($0.question, $0.rate) }))
      return
    }
    var rates = ways.map { _ in [Double]() }
    for _ in 0..<rounds {
      for (place, way) in ways.enumerated() { rates[place].append(try way.rate()) }
    }
    print(
      "\(loaded.description.model.encoder.words), \(files.count) images, \(device), "
        + "\(inference.workers) × \(inference.batch) at a time, \(rounds) rounds")
    for (way, rates) in zip(ways, rates) {
      print(
        way.words.padding(toLength: 24, withPad: " ", startingAt: 0)
          + "median \(fixed(rates.sorted().median, 1)) images/s")
    }
  }

  /// The images as the model sees them, in memory.
  private static func decoded(
    _ files: any ImageDataset, for model: LoadedModel
  ) throws -> DecodedImages {
    let transform = model.description.evaluationTransform
    var random = SampleRandom(seed: 0)  // nothing is drawn
    return DecodedImages(
      try (0..<files.count).map { try transform.image(of: files.content(of: $0), using: &random) })
  }
}
