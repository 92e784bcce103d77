import FileSystem
import MaskedAutoencoders
import Runs

// Everything that was learned from labels, side by side.
extension RunPage {
  /// One row of the comparison.
  private struct Row {
    var share: Double
    var order: Double
    var cells: [String]
  }

  /// kNN, linear probe, partial and full fine-tuning and training from scratch in one table, with
  /// what the paper reports where the setting is the paper's; nil where there is nothing yet.
  static func labelsTable(_ results: RunResults) -> RunReport.Table? {
    let frozen = [("kNN", results.knn, 0.0), ("linear probe (exact)", results.probe, 1)]
      .flatMap { name, evaluated, order in
        evaluated.map { data, result in
          Row(
            share: result.labelShare ?? 1, order: order,
            cells: [
              name, data, learnedFrom(result.trainingImages, result.labelShare), "–",
              percent(result.top1), "–", "–",
              Formatted.duration(result.seconds),
            ])
        }
      }
    func title(_ result: RunResults.TrainedClassifier) -> String {
      "\(result.protocolName) \(result.data) \(result.trainingImages) \(result.labelShare)"
    }
    let runs = Dictionary(grouping: results.trained.values, by: title)
    let trained = results.trained.map { folder, result in
      let isAlone = runs[title(result)]?.count == 1
      return Row(
        share: result.labelShare,
        order: result.isFromScratch ? 1e6 : 2 + (result.blocks ?? 1e5),
        cells: [
          isAlone
            ? result.protocolName
            : "\(result.protocolName), \(result.recipe) in \(lastName(of: folder))",
          result.data,
          learnedFrom(result.trainingImages, result.labelShare),
          Formatted.fixed(result.epochs, 0), percent(result.top1),
          percent(result.calibrationError),
          PaperValues.top1(result).map { "\(Formatted.fixed($0.percent, 1)) % (\($0.place))" }
            ?? "–",
          Formatted.duration(result.seconds),
        ])
    }
    guard !trained.isEmpty else { return nil }
    let rows = (frozen + trained).sorted {
      ($1.share, $0.order, $0.cells[1]) < ($0.share, $1.order, $1.cells[1])
    }
    let seconds =
      results.trained.values.reduce(0) { $0 + $1.seconds }
      + (Array(results.knn.values) + Array(results.probe.values)).reduce(0) { $0 + $1.seconds }
    return RunReport.Table(
      title: "What the representation is worth",
      columns: [
        "", "data", "learned from", "epochs", "top-1", "calibration error", "the paper", "time",
      ],
      rows: rows.map(\.cells),
      note:
        "Evaluated on the validation set. All of this took \(Formatted.duration(seconds)). The paper's "
        + "values are given where recipe, encoder and data are the paper's.")
  }

  /// A run folder without those it lies in.
  private static func lastName(of folder: String) -> Substring {
    folder.split(separator: "/").last ?? Substring(folder)
  }

  /// How many images, and which share of those with labels where it is not all of them.
  static func learnedFrom(_ images: Int, _ share: Double?) -> String {
    guard let share, share < 1 else { return "\(images)" }
    return "\(images) (\(percent(share)))"
  }

  /// Accuracy by the number of blocks that were fine-tuned (the paper's Figure 9), where there are
  /// at least three.
  static func partialChart(_ results: RunResults, depth: Int?) -> RunReport.Chart? {
    let points = results.trained.values.filter { !$0.isFromScratch && $0.labelShare == 1 }
      .compactMap { result -> (x: Double, y: Double)? in
        guard let blocks = result.blocks ?? depth.map(Double.init) else { return nil }
        return (blocks, result.top1 * 100)
      }
      .sorted { $0.x < $1.x }
    guard Set(points.map(\.x)).count >= 3 else { return nil }
    return RunReport.Chart(
      title: "Partial fine-tuning", xLabel: "blocks fine-tuned, counted from the last",
      yLabel: "top-1, %", curves: [.init("top-1", points: points)],
      note: "The paper's Figure 9 for this run; 0 is the head alone, ½ the last block's perceptron."
    )
  }

  /// The sentence that compares fine-tuning with training from scratch at the fewest labels.
  static func comparison(_ results: RunResults) -> String? {
    let pairs = results.trained.values.filter { !$0.isFromScratch && $0.blocks == nil }
      .compactMap { tuned in
        results.trained.values.first {
          $0.isFromScratch && $0.labelShare == tuned.labelShare && $0.data == tuned.data
            && $0.epochs == tuned.epochs
        }.map { (tuned: tuned, scratch: $0) }
      }
    guard let (tuned, scratch) = pairs.min(by: { $0.tuned.labelShare < $1.tuned.labelShare })
    else { return nil }
    let labels = tuned.labelShare == 1 ? "all labels" : "\(percent(tuned.labelShare)) of the labels"
    return
      "With \(labels) of \(tuned.data), fine-tuning reaches \(percent(tuned.top1)) where training "
      + "from scratch for as many epochs reaches \(percent(scratch.top1))."
  }
}
