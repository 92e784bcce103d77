import FileSystem

/// Scores of label maps for people and for other programs.
extension SegmentationScores {
  /// The numbers, a line each, then the classes; those without pixels and predictions have a dash.
  ///
  /// - Precondition: there is a name for each class.
  public func lines(names: [String]) -> [String] {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    let labelled = pixels.reduce(0, +)
    var lines = [
      row("mIoU", percent(meanIntersectionOverUnion)),
      row("accuracy", percent(accuracy)),
      row("mean accuracy", percent(meanClassAccuracy)),
      row("boundary IoU", percent(meanBoundaryIntersectionOverUnion)),
      row("pixels", "\(labelled) in \(maps) maps; \(ignoredPixels) ignored"),
    ]
    let nothing = unpredicted.reduce(0, +)
    if nothing > 0 {
      lines.append(row("no class", "predicted for \(nothing) pixels: counted as wrong"))
    }
    let widest = min(40, names.map(\.count).max() ?? 0)
    let (ious, accuracies, boundaries, counts) = (
      intersectionOverUnion, classAccuracy, boundaryIntersectionOverUnion, pixels
    )
    for k in 0..<classes {
      let gap = String(repeating: " ", count: max(0, widest - names[k].count))
      lines.append(
        "  \(names[k])\(gap)  IoU \(percent(ious[k]))  accuracy \(percent(accuracies[k]))  boundary "
          + "\(percent(boundaries[k]))  of \(counts[k])")
    }
    return lines
  }

  private func row(_ name: String, _ text: String) -> String {
    name + String(repeating: " ", count: max(1, 16 - name.count)) + text
  }

  private func percent(_ value: Double?) -> String {
    value.map { "\(Formatted.fixed(100 * $0, 2)) %" } ?? "–"
  }

  /// The numbers as JSON, keys in order; what is not defined is null.
  ///
  /// - Precondition: there is a name for each class.
  public func json(names: [String]) -> String {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    let (ious, accuracies, boundaries, counts) = (
      intersectionOverUnion, classAccuracy, boundaryIntersectionOverUnion, pixels
    )
    let perClass = (0..<classes).map { k in
      JSONValue.object([
        "name": .string(names[k]), "iou": number(ious[k]), "accuracy": number(accuracies[k]),
        "boundary_iou": number(boundaries[k]), "pixels": .integer(counts[k]),
      ])
    }
    let value = JSONValue.object([
      "miou": .number(meanIntersectionOverUnion), "accuracy": .number(accuracy),
      "mean_accuracy": .number(meanClassAccuracy),
      "mean_boundary_iou": .number(meanBoundaryIntersectionOverUnion), "maps": .integer(maps),
      "ignored_pixels": .integer(ignoredPixels), "classes": .list(perClass),
    ])
    return String(decoding: value.fileText.dropLast(), as: UTF8.self)
  }

  /// The classes as the lines of a CSV file.
  ///
  /// - Precondition: there is a name for each class.
  public func csvLines(names: [String]) -> [String] {
    precondition(names.count == classes, "\(names.count) names for \(classes) classes")
    func text(_ value: Double?) -> String { value.map { String($0) } ?? "" }
    let (ious, accuracies, boundaries, counts) = (
      intersectionOverUnion, classAccuracy, boundaryIntersectionOverUnion, pixels
    )
    return ["class,name,iou,accuracy,boundary_iou,pixels"]
      + (0..<classes).map { k in
        [
          String(k), CSVText.field(names[k]), text(ious[k]), text(accuracies[k]),
          text(boundaries[k]), String(counts[k]),
        ].joined(separator: ",")
      }
  }
}
