import ArgumentParser
import Datasets
import Figures
import FileSystem
import Imaging

/// `mae data inspect` of label maps and of COCO files.
struct LabelInspection {
  let path: String
  let split: DatasetSplit
  let rules: LabelRules
  let sample: Int?

  /// Whether the path is such a set.
  static func takes(_ path: String, _ options: LabelOptions) -> Bool {
    options.labels != nil || isCOCO(path) || holdsLabelMaps(path)
  }

  /// Whether the path is a JSON file, but for those that have the name of one of iNaturalist's lists.
  private static func isCOCO(_ path: String) -> Bool {
    path.hasSuffix(".json") && isFile(path)
      && path.lastName.wholeMatch(of: /(train|val|test)(_mini)?20\d\d.*/) == nil
  }

  func run(overlay: String?) throws {
    if Self.isCOCO(path) {
      let set = try COCOAnnotations(path: path)
      for line in set.summaryLines { print(line) }
      guard rules.zeroIs != nil || overlay != nil else { return }
    }
    let summary = try LabelMapSummary(at: path, split: split, rules: rules, sample: sample)
    for note in summary.notes { warn("note: \(note)") }
    for line in summary.lines { print(line) }
    for broken in summary.broken.prefix(20) { print("broken   \(broken)") }
    if summary.broken.count > 20 { print("broken   … \(summary.broken.count) in all") }
    if let overlay, let set = summary.set {
      try write(Self.sheet(of: set, without: summary.broken.map(\.index)), to: overlay)
      print("overlay  \(overlay)")
    }
    if let problem = summary.problem { throw problem }
    if !summary.broken.isEmpty { throw ExitCode(ExitStatus.badData.rawValue) }
  }

  /// Up to eight pictures, evenly over the set, each beside its labels.
  private static func sheet(
    of set: any LabelMapDataset, without broken: [Int]
  ) throws -> PictureSheet {
    let count = min(8, set.count)
    let left = Set(broken)
    var rows: [PictureSheet.Row] = []
    for i in 0..<count {
      let index = i * set.count / count
      if left.contains(index) { continue }
      let (image, labels) = try set.sample(of: index)
      rows.append(
        PictureSheet.Row(
          set.name(of: index),
          tiles: [
            image.converted(toChannels: 3),
            LabelOverlay.picture(image, labels, names: set.pixelClasses),
          ]))
    }
    guard !rows.isEmpty else {
      throw DatasetError(.malformed, path: "--overlay", "has no picture to show: all are broken")
    }
    return PictureSheet(
      title: "Labels", groups: [PictureSheet.Group(columns: ["picture", "labels"])], rows: rows)
  }
}
