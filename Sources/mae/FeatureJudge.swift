import Recipes
import FileSystem
import Inference
import Reports
import Runs
import Datasets
import Evaluation
import Torch
import Training

/// A way to judge frozen features: embeds both parts of a set, classifies, prints and keeps the result.
struct FeatureJudge {
  var kind: String
  var model: ModelOptions
  var features: FeatureOptions
  var compute: ComputeOptions
  /// Where the result goes.
  var path: WritableKeyPath<RunResults, [String: RunResults.Classification]>
  /// What is not as usual in the classifier's own settings; nil for what is.
  var unusual: [String?]

  /// - Parameters:
  ///   - prepare: Looks at the model before time is spent.
  ///   - classify: Scores of the test rows, and the settings in words.
  ///   - finish: Is told of the model and the data once the result is printed.
  func run(
    prepare: (LoadedModel) throws -> Void = { _ in },
    classify: (_ training: Features, _ test: Features, _ classes: Int) -> (
      scores: [Float], settings: String
    ),
    finish: (LoadedModel, LabelledData) throws -> Void = { _, _ in }
  ) throws {
    let start = ContinuousClock.now
    let device = try compute.open()
    let loaded = try model.load(on: device, readsImages: true)
    try prepare(loaded)
    let sets = try features.open()
    let rows = try features.features(by: loaded, sets)
    let classes = sets.classes.count
    let (scores, settings) = classify(rows.training, rows.test, classes)
    var tally = ClassificationTally(classes: classes)
    tally.add(scores: scores, labels: rows.test.labels)
    let result = RunResults.Classification(
      top1: tally.top1, top5: tally.top5, trainingImages: rows.training.labels.count,
      testImages: rows.test.labels.count, classes: classes,
      settings: "\(settings), \(features.pooling.rawValue)",
      seconds: (ContinuousClock.now - start) / .seconds(1),
      labelShare: Double(sets.training.count) / Double(max(1, sets.available)))
    let top5 = classes > 5 ? ", top-5 \(fixed(result.top5 * 100, 2)) %" : ""
    let labels = features.labels.words.map { ", \($0)" } ?? ""
    print(
      "\(kind): top-1 \(fixed(result.top1 * 100, 2)) %\(top5) of "
        + "\(result.testImages) images, learned from \(result.trainingImages)\(labels) "
        + "(\(result.settings), \(Readable.duration(result.seconds)))")
    try finish(loaded, sets)
    try tell(model.model) { $0[keyPath: path][features.title(unusual)] = result }
  }
}

/// Tells a run of a result. A folder that may not be written, such as that of a model which several people
/// share, is no reason to fail: the result has been said.
func tell(
  _ run: String, note: (String) throws -> Void = { complain($0) },
  _ change: (inout RunResults) -> Void
) throws {
  do {
    try RunResults.update(run, change)
    try RunPage.write(for: run)
  } catch let error as FileError where error.kind == .unwritable {
    try note("note: \(error); the result is not kept in \(run)")
  }
}
