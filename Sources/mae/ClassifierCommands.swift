import ArgumentParser
import DataParallel
import Inference
import Runs
import Torch
import TorchOptim
import Training

/// k nearest neighbours on frozen features.
struct KNNCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "knn",
    abstract: "Classify by nearest neighbours on frozen features: needs no training.",
    discussion: """
      Cosine similarity, votes weighed by exp(similarity / temperature).

      Examples:
        mae knn runs/first fashion-mnist
        mae knn runs/first flowers/ --per-class 5
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var features: FeatureOptions

  @Option(help: "Neighbours that vote.")
  var neighbours = 20

  @Option(help: "The smaller, the more the nearest count.")
  var temperature = 0.07

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var processes: ProcessOptions

  func validate() throws {
    if neighbours < 1 {
      throw ValidationError("--neighbours is \(neighbours); expected at least 1")
    }
    if !(temperature > 0) {
      throw ValidationError("--temperature is \(temperature); expected a number above 0")
    }
  }

  func run() throws {
    try processes.work(compute) { group, device in
      try evaluate(try model.load(on: device, readsImages: true), in: group)
    }
  }

  private func evaluate(_ loaded: LoadedModel, in group: DataParallelGroup) throws {
    try features.evaluate(
      loaded, of: model.model, in: group,
      by: .nearestNeighbours(NearestNeighbours(count: neighbours, temperature: temperature)),
      keeping: \.knn,
      settings: [
        neighbours == 20 ? nil : "k \(neighbours)",
        temperature == 0.07 ? nil : "temperature \(temperature)",
      ])
  }
}

/// A linear classifier on frozen features.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Fit a linear classifier on frozen features and evaluate it.",
    discussion: """
      Softmax regression on standardised features, solved to the end by L-BFGS: quick, without a \
      learning rate, the same answer every time.

      With --out, encoder and probe become a classifier: a folder that mae predict, evaluate, embed \
      and weights export take.

      Examples:
        mae probe runs/first fashion-mnist
        mae probe runs/first flowers/ --per-class 5 --out runs/flowers
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var features: FeatureOptions

  @Option(help: "Weight of the data against small weights, scikit-learn's C.")
  var strength = 1.0

  @Option(help: "The folder to write the classifier to; none is written unless given.")
  var out: String?

  @Flag(help: "Replace an existing folder.")
  var overwrite = false

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var processes: ProcessOptions

  func validate() throws {
    if !(strength > 0) {
      throw ValidationError("--strength is \(strength); expected a number above 0")
    }
  }

  func run() throws {
    if let out {
      try refuseExisting(out, overwrite: overwrite, unless: ["model.json", "weights.safetensors"])
    }
    try processes.work(compute) { group, device in
      try evaluate(try model.load(on: device, readsImages: true), in: group)
    }
  }

  private func evaluate(_ loaded: LoadedModel, in group: DataParallelGroup) throws {
    if out != nil { try LinearProbe.requireEncoderForHead(loaded) }
    try features.evaluate(
      loaded, of: model.model, in: group, by: .linearProbe(strength: strength),
      keeping: \.probe, settings: [strength == 1 ? nil : "C \(strength)"]
    ) { evaluation, splits in
      guard let out, let probe = evaluation.probe else { return }
      try probe.save(
        to: out, on: loaded, pooling: features.pooling, classes: splits.classes,
        trainedOn: splits.learned)
      print("wrote \(out): a classifier of \(splits.classes.count) classes")
      print(
        "Next: mae evaluate \(out) \(features.test ?? features.data), mae predict \(out) IMAGES")
    }
  }
}
