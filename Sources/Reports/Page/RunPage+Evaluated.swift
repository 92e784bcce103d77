import Datasets
import FileSystem
import MaskedAutoencoders
import Runs

extension RunPage {
  /// The evaluations by `mae evaluate`; nil where there are none.
  static func evaluatedTable(_ results: RunResults) -> RunReport.Table? {
    guard !results.evaluated.isEmpty else { return nil }
    func share(_ value: Double?) -> String { value.map(percent) ?? "–" }
    let rows = results.evaluated.sorted { $0.key < $1.key }.map { name, result in
      let top = (result.topK ?? [:]).sorted { $0.key < $1.key }.map {
        "top-\($0.key) \(percent($0.value))"
      }
      return [
        name, share(result.top1), top.isEmpty ? "–" : top.joined(separator: ", "),
        share(result.meanClassAccuracy), share(result.calibrationError),
        share(result.meanCorruptionError), "\(result.images)",
        Formatted.fixed(result.imagesPerSecond, 1),
      ]
    }
    return RunReport.Table(
      title: "Evaluated on other sets",
      columns: [
        "data", "top-1", "among the first", "mean of classes", "calibration error", "mCE", "images",
        "images/s",
      ],
      rows: rows,
      note: "By mae evaluate. mCE is the mean corruption error of ImageNet-C, 100 % for AlexNet.")
  }
}
