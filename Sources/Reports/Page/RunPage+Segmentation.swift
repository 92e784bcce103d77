import DenseHeads
import FileSystem
import Foundation
import Runs

/// What a segmenter's page has beside those of other runs.
extension RunPage {
  static func segmentationSummary(_ results: RunResults) -> [String] {
    guard let result = results.segmentation else { return [] }
    var sentence =
      "mIoU \(percent(result.meanIoU)) and pixel accuracy \(percent(result.pixelAccuracy)) of "
      + "\(result.pictures) pictures of \(result.data)"
    if let training = result.training {
      sentence +=
        "; learned from \(training.pictures) labelled pictures"
        + (training.isFromScratch ? " from random weights" : "")
        + " in \(training.steps) steps, \(Formatted.duration(training.seconds))"
    }
    return [sentence + "."]
  }

  static func segmentationHighlights(_ results: RunResults) -> [RunReport.Highlight] {
    guard let result = results.segmentation else { return [] }
    return [
      .init(percent(result.meanIoU), "mIoU, \(result.data)"),
      .init(percent(result.pixelAccuracy), "of pixels"),
    ]
  }

  static func segmentationTables(_ results: RunResults) -> [RunReport.Table] {
    var tables: [RunReport.Table] = []
    if let own = results.segmentation { tables.append(classTable(own)) }
    let others = (results.segmented ?? [:]).sorted { $0.key < $1.key }
    if !others.isEmpty {
      tables.append(
        .init(
          title: "Evaluated on other sets",
          columns: ["data", "mIoU", "mean accuracy", "pixel accuracy", "boundary IoU", "pictures"],
          rows: others.map { name, result in
            [
              name, percent(result.meanIoU), percent(result.meanAccuracy),
              percent(result.pixelAccuracy), result.boundaryIoU.map(percent) ?? "–",
              "\(result.pictures)",
            ]
          }, note: "By mae segment evaluate."))
    }
    return tables
  }

  /// The hardest classes first.
  private static func classTable(_ result: RunResults.Segmentation) -> RunReport.Table {
    let most = 30
    let sorted = result.classes.filter { $0.iou != nil }
      .sorted { ($0.iou ?? 0, $0.name) < ($1.iou ?? 0, $1.name) }
    return .init(
      title: "Classes, the hardest first", columns: ["class", "IoU", "accuracy", "pixels"],
      rows: sorted.prefix(most).map {
        [$0.name, $0.iou.map(percent) ?? "–", $0.accuracy.map(percent) ?? "–", "\($0.pixels)"]
      },
      note: sorted.count > most
        ? "The \(most) hardest of \(sorted.count); results.json has all." : "")
  }

  /// The best and worst validation pictures, as `mae segment train` and `evaluate` draw them.
  static func segmentationPictures(in run: String) -> [RunReport.Picture] {
    [("worst", "The worst validation pictures"), ("best", "The best validation pictures")]
      .compactMap { name, caption in
        FileManager.default.contents(atPath: "\(run)/segmentations/\(name).png")
          .map { .init(caption: caption, png: $0) }
      }
  }
}
