import ArgumentParser
import DataParallel
import Datasets
import Foundation
import Inference
import Recipes
import Runs
import Training

/// Options that every evaluation of frozen features has.
struct FeatureOptions: ParsableArguments {
  @Argument(
    help: "Labelled images: class folders, a list with classes, an IDX folder, or a fetched set.",
    completion: .directory)
  var data: String

  @Option(
    help: """
      Labelled images to evaluate on; the validation part of DATA unless given, or a tenth of it \
      where it has none.
      """)
  var test: String?

  @Option(
    help: "How an image's feature is taken from its tokens: class-token or mean (of the patches).")
  var pooling = Features.Pooling.classToken

  @Option(help: "Learn from so many images of each class only.")
  var perClass: Int?

  @Option(help: "Learn from this share of each class's images only: 0.01 is 1 %.")
  var fraction: Double?

  @Option(help: "Learn from so many images only, of all classes in proportion.")
  var limit: Int?

  @Option(help: "Decides which images are learned from, or held back.")
  var seed: UInt64 = 0

  @Option(help: "Images embedded at a time: on a CPU by each core, on a GPU by all of it.")
  var batch: Int?

  @OptionGroup var broken: BrokenOptions

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); expected at least 1") }
    if let limit, limit < 2 { throw ValidationError("--limit is \(limit); expected at least 2") }
    if let perClass, perClass < 1 {
      throw ValidationError("--per-class is \(perClass); expected at least 1")
    }
    if let fraction, !(fraction > 0 && fraction <= 1) {
      throw ValidationError("--fraction is \(fraction); expected above 0 and at most 1")
    }
    let given = [
      perClass.map { _ in "--per-class" }, fraction.map { _ in "--fraction" },
      limit.map { _ in "--limit" },
    ].compactMap(\.self)
    if given.count > 1 {
      throw ValidationError("\(given.joined(separator: " and ")) exclude each other")
    }
  }

  /// Opens both splits and prints what a user may not expect of them.
  func open() throws -> LabelledSplits {
    let splits = try LabelledSplits(
      dataPath(data), validation: test.map { word throws in try dataPath(word) },
      labels: labels, limit: limit, seed: seed, option: "--test")
    for warning in splits.warnings { warn("note: \(warning)") }
    return splits
  }

  /// Which part of the labels is learned from.
  var labels: FinetuningRecipe.Labels {
    .init(fraction: fraction ?? 1, perClass: perClass)
  }

  /// What a result is called among the run's: the data, and what is not as usual.
  func title(_ settings: [String?]) -> String {
    let own = [
      test.map { "evaluated on \($0)" }, labels.words, limit.map { "\($0) images" },
      seed == 0 ? nil : "seed \(seed)",
      pooling == .classToken ? nil : pooling.rawValue,
    ]
    return ([data] + (own + settings).compactMap(\.self)).joined(separator: ", ")
  }

  /// Evaluates a model's features, prints the result and keeps it in the model's run.
  ///
  /// - Parameters:
  ///   - group: The processes that share the images; the first one prints and keeps.
  ///   - path: Where the run's results have it.
  ///   - settings: What is not as usual in the classifier's own settings; nil for what is.
  ///   - finish: Called once the result is printed.
  func evaluate(
    _ loaded: LoadedModel, of run: String, in group: DataParallelGroup,
    by method: FrozenFeatureEvaluation.Method,
    keeping path: WritableKeyPath<RunResults, [String: RunResults.Classification]>,
    settings: [String?],
    finish: (FrozenFeatureEvaluation, LabelledSplits) throws -> Void = { _, _ in }
  ) throws {
    let splits = try open()
    let line = ProgressOfSplits()
    defer { line.clear() }
    let evaluation = try FrozenFeatureEvaluation(
      loaded, method: method, training: .init(splits.training, named: data),
      validation: .init(splits.validation, named: test ?? data), classes: splits.classes.count,
      pooling: pooling,
      labelShare: Double(splits.training.count) / Double(max(1, splits.available)), batch: batch,
      brokenLimit: broken.limit(), group: group, progress: line.show)
    line.clear()
    for warning in evaluation.warnings { warn("note: \(warning)") }
    print(evaluation.line(method, labels: labels.words))
    warn(evaluation.broken)
    try finish(evaluation, splits)
    try record(in: run) { $0[keyPath: path][title(settings)] = evaluation.result }
  }
}

/// A line on the terminal that tells how many images are embedded; nothing where there is none.
private struct ProgressOfSplits {
  private let isShown = Terminal.attached(to: 2).isTerminal

  func show(_ name: String, _ done: Int, _ count: Int) {
    if isShown { mae.show("\rembedding \(name): \(done)/\(count)\u{1B}[K") }
  }

  func clear() { if isShown { mae.show("\r\u{1B}[K") } }
}
