import FileSystem
import Foundation
import Runs

/// What a detector's page has beside those of other runs.
extension RunPage {
  static func detectionSummary(_ results: RunResults) -> [String] {
    guard let result = results.detection else { return [] }
    var sentence = "Box AP \(share(result.boxes.ap)), AP50 \(share(result.boxes.ap50))"
    if let masks = result.masks {
      sentence += "; mask AP \(share(masks.ap)), AP50 \(share(masks.ap50))"
    }
    sentence += " of \(result.pictures) pictures of \(result.data)"
    if let training = result.training {
      sentence +=
        "; learned from \(training.pictures) labelled pictures"
        + (training.isFromScratch ? " from random weights" : "")
        + " in \(training.steps) steps, \(Formatted.duration(training.seconds))"
    }
    return [sentence + "."]
  }

  static func detectionHighlights(_ results: RunResults) -> [RunReport.Highlight] {
    guard let result = results.detection else { return [] }
    return [.init(share(result.boxes.ap), "box AP, \(result.data)")]
      + (result.masks.map { [.init(share($0.ap), "mask AP")] } ?? [])
  }

  static func detectionTables(_ results: RunResults) -> [RunReport.Table] {
    var tables: [RunReport.Table] = []
    if let own = results.detection {
      let most = 30
      let sorted = own.classes.filter { $0.boxes != nil }
        .sorted { ($0.boxes ?? 0, $0.name) < ($1.boxes ?? 0, $1.name) }
      tables.append(
        .init(
          title: "Classes, the hardest first",
          columns: ["class", "box AP", "mask AP", "objects"],
          rows: sorted.prefix(most).map {
            [$0.name, share($0.boxes), share($0.masks), "\($0.objects)"]
          },
          note: sorted.count > most
            ? "The \(most) hardest of \(sorted.count); results.json has all." : ""))
    }
    let others = (results.detected ?? [:]).sorted { $0.key < $1.key }
    if !others.isEmpty {
      tables.append(
        .init(
          title: "Evaluated on other sets",
          columns: ["data", "box AP", "box AP50", "mask AP", "mask AP50", "pictures"],
          rows: others.map { name, result in
            [
              name, share(result.boxes.ap), share(result.boxes.ap50), share(result.masks?.ap),
              share(result.masks?.ap50), "\(result.pictures)",
            ]
          }, note: "By mae detect evaluate."))
    }
    return tables
  }

  /// Validation pictures with true objects beside those found.
  static func detectionPictures(in run: String) -> [RunReport.Picture] {
    [
      ("worst", "The worst validation pictures: true objects, and what was found"),
      ("best", "The best validation pictures"), ("validation", "Validation pictures"),
    ].compactMap { name, caption in
      FileManager.default.contents(atPath: "\(run)/detections/\(name).png")
        .map { .init(caption: caption, png: $0) }
    }
  }

  private static func share(_ value: Double?) -> String { value.map(percent) ?? "–" }
}
