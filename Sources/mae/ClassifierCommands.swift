import ArgumentParser
import Datasets
import Evaluation
import Foundation
import Torch
import TorchOptim
import Training

/// Options that every judge of frozen features has.
struct FeatureOptions: ParsableArguments {
  @Argument(
    help: "Labelled images: class folders, a list with classes, an IDX folder, or a fetched set.",
    completion: .directory)
  var data: String

  @Option(help: "Labelled images to judge by; the validation part of DATA unless given.")
  var test: String?

  @Option(help: "What stands for an image: class-token or mean (of the patches).")
  var pooling = Features.Pooling.classToken

  @Option(help: "Use the first so many training images only.")
  var limit: Int?

  @Option(help: "Images embedded at a time: on a CPU by each core, on a GPU by all of it.")
  var batch: Int?

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); expected at least 1") }
    if let limit, limit < 2 { throw ValidationError("--limit is \(limit); expected at least 2") }
  }

  /// Opens both parts, whose classes must be the same.
  func open() throws -> (training: any ImageDataset, test: any ImageDataset, classes: Int) {
    let path = try dataPath(data)
    let training = try openDataset(at: path)
    guard let classes = training.classes else {
      throw RunFailure(
        .badData,
        "\(data) has no classes: expected a subfolder for each class, a list with classes, or an "
          + "IDX set with labels")
    }
    guard classes.count >= 2 else {
      throw RunFailure(
        .badData, "\(data) has one class only (\(classes.first ?? "")); expected at least 2")
    }
    let judged =
      if let test {
        try openDataset(at: dataPath(test), classes: classes)
      } else {
        try openDataset(at: path, split: .validation, classes: classes)
      }
    return (training, judged, classes.count)
  }

  /// Embeds both parts.
  func features(
    by model: LoadedModel,
    _ sets: (training: any ImageDataset, test: any ImageDataset, classes: Int)
  ) throws -> (training: Features, test: Features) {
    let count = min(limit ?? sets.training.count, sets.training.count)
    let terminal = Terminal.attached(to: 2).isTerminal
    func embed(
      _ dataset: any ImageDataset, _ name: String, _ range: Range<Int>
    ) throws -> Features {
      defer { if terminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) } }
      return try Features(
        of: dataset, named: name, by: model, pooling: pooling, range: range, batch: batch
      ) { done in
        if terminal {
          FileHandle.standardError.write(Data("\rembedding \(name): \(done)/\(range.count)".utf8))
        }
      }
    }
    let training = try embed(sets.training, data, 0..<count)
    let test = try embed(sets.test, self.test ?? data, 0..<sets.test.count)
    for broken in (training.broken + test.broken).prefix(5) { complain("skipped \(broken)") }
    return (training, test)
  }
}

/// A way to judge frozen features: embeds both parts of a set, classifies, prints and keeps the result.
private func judge(
  _ kind: String, _ model: ModelOptions, _ features: FeatureOptions, _ compute: ComputeOptions,
  into path: WritableKeyPath<RunResults, [String: RunResults.Classification]>,
  by classify: (_ training: Features, _ test: Features, _ classes: Int) -> (
    scores: [Float], settings: String
  )
) throws {
  let start = ContinuousClock.now
  let device = try compute.open()
  let loaded = try model.load(on: device, readsImages: true)
  let sets = try features.open()
  let rows = try features.features(by: loaded, sets)
  let (scores, settings) = classify(rows.training, rows.test, sets.classes)
  var tally = ClassificationTally(classes: sets.classes)
  tally.add(scores: scores, labels: rows.test.labels)
  let result = RunResults.Classification(
    top1: tally.top1, top5: tally.top5, trainingImages: rows.training.labels.count,
    testImages: rows.test.labels.count, classes: sets.classes,
    settings: "\(settings), \(features.pooling.rawValue)",
    seconds: (ContinuousClock.now - start) / .seconds(1))
  let top5 = result.classes > 5 ? ", top-5 \(fixed(result.top5 * 100, 2)) %" : ""
  print(
    "\(kind): top-1 \(fixed(result.top1 * 100, 2)) %\(top5) of "
      + "\(result.testImages) images, learned from \(result.trainingImages) "
      + "(\(result.settings), \(Readable.duration(result.seconds)))")
  try RunResults.update(model.model) {
    $0[keyPath: path][features.test ?? features.data] = result
  }
  try RunPage.write(for: model.model)
}

/// k nearest neighbours on frozen features.
struct KNNCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "knn",
    abstract: "Classify by nearest neighbours on frozen features: needs no training.",
    discussion: """
      Cosine similarity, votes weighed by exp(similarity / temperature).

      Example:
        mae knn runs/first fashion-mnist
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var features: FeatureOptions

  @Option(help: "Neighbours that vote.")
  var neighbours = 20

  @Option(help: "The smaller, the more the nearest count.")
  var temperature = 0.07

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if neighbours < 1 {
      throw ValidationError("--neighbours is \(neighbours); expected at least 1")
    }
    if !(temperature > 0) {
      throw ValidationError("--temperature is \(temperature); expected a number above 0")
    }
  }

  func run() throws {
    try judge("kNN", model, features, compute, into: \.knn) { training, test, classes in
      let scores = NearestNeighbours(count: neighbours, temperature: temperature)
        .scores(for: test.rows, from: training, classes: classes)
      return (scores, "k \(neighbours), temperature \(temperature)")
    }
  }
}

/// A linear classifier on frozen features.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Fit a linear classifier on frozen features and judge it.",
    discussion: """
      Softmax regression on standardised features, solved to the end by L-BFGS: quick, without a \
      learning rate, the same answer every time.

      Example:
        mae probe runs/first fashion-mnist
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup var features: FeatureOptions

  @Option(help: "Weight of the data against small weights, scikit-learn's C.")
  var strength = 1.0

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if !(strength > 0) {
      throw ValidationError("--strength is \(strength); expected a number above 0")
    }
  }

  func run() throws {
    try judge("linear probe", model, features, compute, into: \.probe) { training, test, classes in
      let probe = LinearProbe(training, classes: classes, strength: strength)
      let steps = probe.outcome.iterations
      return (probe.scores(for: test.rows), "L-BFGS, C \(strength), \(steps) iterations")
    }
  }
}
