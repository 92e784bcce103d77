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
    abstract: "Time classifying and embedding images; with a peer, in turn with it.",
    discussion: """
      From files: read, decode, resize, compute. From pixels: the same of decoded images in memory. The \
      peer is any command that answers the lines files, features and pixels with images a second, as \
      Benchmarks/peers/timm_use.py does, which also makes the model; `make bench` runs both.

      Example:
        mae bench use CHECKPOINT photos/ --rounds 5
      """)

  @Argument(help: "A classifier: a run folder or a checkpoint.", completion: .directory)
  var model: String

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "Rounds that are timed.")
  var rounds = 7

  @Option(help: "A command that does the same when asked; started before the model is loaded.")
  var peer: String?

  @OptionGroup var options: InferenceOptions

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds); expected at least 1") }
  }

  func run() throws {
    let device = try options.compute.open()
    let peer = try peer.map { try BenchmarkPeer(command: $0) }
    let loaded = try LoadedModel(model, on: device)
    let inference = try options.inference(with: loaded)
    let files = try openDataset(at: dataPath(data))
    let pixels = try Self.decoded(files, for: loaded)
    let predictor = try Predictor(inference)
    let embedder = try Embedder(inference, as: .features)
    let ways: [(question: String, words: String, run: () throws -> Int)] = [
      ("files", "classified from files", { try predictor.run(over: files, named: data) { _ in } }),
      ("features", "embedded from files", { try embedder.run(over: files, named: data) { _ in } }),
      (
        "pixels", "classified from pixels",
        { try predictor.run(over: pixels, named: data) { _ in } }
      ),
    ]
    for way in ways { _ = try way.run() }
    var rates = ways.map { _ in (ours: [Double](), peer: [Double]()) }
    for _ in 0..<rounds {
      for (place, way) in ways.enumerated() {
        if let peer { rates[place].peer.append(try peer.number(way.question)) }
        let start = ContinuousClock.now
        let count = try way.run()
        rates[place].ours.append(Double(count) / ((ContinuousClock.now - start) / .seconds(1)))
      }
    }
    print(
      "\(loaded.description.model.encoder.words), \(files.count) images, \(device), "
        + "\(inference.workers) × \(inference.batch) at a time, \(rounds) rounds"
        + (peer == nil ? "" : " in turn"))
    for (way, rate) in zip(ways, rates) {
      var line = way.words.padding(toLength: 24, withPad: " ", startingAt: 0)
      line += "ours \(fixed(rate.ours.sorted().median, 1)) images/s"
      if peer != nil {
        let ratios = zip(rate.ours, rate.peer).map { $0 / $1 }.sorted()
        line += ", peer \(fixed(rate.peer.sorted().median, 1)), ratio \(fixed(ratios.median, 2))"
        line += " (quartiles \(fixed(ratios[ratios.count / 4], 2)) to "
        line += "\(fixed(ratios[ratios.count * 3 / 4], 2)))"
      }
      print(line)
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
