public import Figures
import Evaluation
import FileSystem

/// An evaluation as text, tables and pictures for people. What depends on the machine is in ``lines``
/// alone, so that the same evaluation gives the same files.
extension SegmentationEvaluation {
  /// Its numbers, a line each, then the classes.
  public var lines: [String] {
    scores.lines(names: classNames) + [
      "throughput".padding(to: 16)
        + "\(Formatted.fixed(picturesPerSecond, 2)) pictures/s, reading and decoding included"
    ]
  }

  /// A table of the classes: comma-separated values with a heading.
  public var classTable: [String] { scores.csvLines(names: classNames) }

  /// The confusion matrix: comma-separated values with a heading.
  public var confusionTable: some Sequence<String> {
    scores.confusion.csvLines(names: classNames)
  }

  /// The confusion matrix as a picture.
  public func confusionPicture(title: String) -> MatrixPicture {
    let share = 100 * scores.meanIntersectionOverUnion
    return MatrixPicture(
      title: title, names: classNames, counts: scores.confusion.counts,
      footer: [
        "Rows are true classes of pixels, columns what they were taken for, in parts of the row. "
          + "mIoU \(Formatted.fixed(share, 2)) % of \(pictures.count) pictures."
      ])
  }

  /// Everything as one JSON document, as `mae segment score` writes it.
  public var json: String { scores.json(names: classNames) }
}

extension String {
  fileprivate func padding(to count: Int) -> String {
    self + String(repeating: " ", count: Swift.max(1, count - self.count))
  }
}
