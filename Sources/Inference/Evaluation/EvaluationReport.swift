import Datasets
import Evaluation
public import Figures
import FileSystem
import Foundation
import Imaging
public import Runs

/// An evaluation as text, tables and pictures for people.
extension EvaluationResult {
  /// Its numbers, a line each, then the classes: all where they are few, otherwise those with the
  /// lowest accuracy.
  ///
  /// - Parameter record: The same numbers as a run's results keep them.
  public func lines(_ record: RunResults.Evaluated) -> [String] {
    let hits = Int((tally.top1 * Double(tally.total)).rounded())
    var lines = [
      Self.row("top-1", "\(Self.percent(tally.top1))  (\(hits) of \(tally.total) images)")
    ]
    lines += (record.topK ?? [:]).map { Self.row("top-\($0)", Self.percent($1)) }
    return lines + [
      Self.row("mean of classes", Self.percent(tally.confusion.meanClassAccuracy)),
      Self.row("calibration error", Self.percent(calibration.expectedError)),
      Self.row(
        "throughput",
        "\(Formatted.fixed(imagesPerSecond, 1)) images/s, reading and decoding included"),
    ] + classLines
  }

  private var classLines: [String] {
    let (matrix, names) = (tally.confusion, scores.subset.names)
    let accuracy = matrix.classAccuracy
    let examples = matrix.examples
    var lines: [String] = []
    var shown = names.indices.filter { examples[$0] > 0 }
    let few = 20
    if shown.count > few {
      shown.sort { (accuracy[$0] ?? 0, $0) < (accuracy[$1] ?? 0, $1) }
      shown = Array(shown.prefix(10))
      lines.append("classes with the lowest accuracy:")
    }
    let widest = shown.map { names[$0].count }.max() ?? 0
    return lines
      + shown.map { label in
        let name = names[label]
        let gap = String(repeating: " ", count: widest - name.count)
        let mistake = matrix.mostFrequentMistake(of: label).map {
          ", \($0.count) taken for \(names[$0.prediction])"
        }
        return "  \(name)\(gap)  \(Self.percent(accuracy[label] ?? 0)) of \(examples[label])"
          + (mistake ?? "")
      }
  }

  /// A table of the classes: comma-separated values with a heading.
  public var classTable: some Sequence<String> {
    tally.confusion.classLines(names: scores.subset.names)
  }

  /// The confusion matrix: comma-separated values with a heading.
  public var confusionTable: some Sequence<String> {
    tally.confusion.csvLines(names: scores.subset.names)
  }

  /// The confusion matrix as a picture.
  public func confusionPicture(title: String) -> MatrixPicture {
    MatrixPicture(
      title: title, names: scores.subset.names, counts: tally.confusion.counts,
      footer: [
        "Rows are true classes, columns what they were taken for, in parts of the row. Top-1 "
          + "\(Self.percent(tally.top1)) of \(tally.total) images."
      ])
  }

  /// Everything as one JSON document.
  ///
  /// - Parameter record: The same numbers as a run's results keep them.
  public func json(_ record: RunResults.Evaluated) throws -> [UInt8] {
    let matrix = tally.confusion
    let classes = zip(scores.subset.names, zip(matrix.examples, matrix.classAccuracy)).map {
      EvaluationDocument.ClassResult(name: $0, images: $1.0, accuracy: $1.1)
    }
    return try EvaluationDocument(result: record, classes: classes).bytes()
  }

  fileprivate static func percent(_ share: Double) -> String {
    "\(Formatted.fixed(share * 100, 2)) %"
  }

  fileprivate static func row(_ name: String, _ value: String) -> String {
    name.padding(toLength: 20, withPad: " ", startingAt: 0) + value
  }
}

extension RobustnessEvaluation {
  /// Its numbers: a line for each corruption, then the means.
  public var lines: [String] {
    func cell(_ value: Double?) -> String {
      let text = value.map { Formatted.fixed($0 * 100, 1) } ?? "–"
      return String(repeating: " ", count: max(0, 7 - text.count)) + text
    }
    func share(_ value: Double?) -> String { value.map(EvaluationResult.percent) ?? "–" }
    let errors = scores.corruptions.map { name in
      let errors = CorruptionScores.severities.map { cell(scores.error(of: name, severity: $0)) }
      let relative = Corruption(rawValue: name).flatMap(scores.corruptionError)
      return EvaluationResult.row(name, errors.joined())
        + cell(scores.error(of: name)) + cell(relative)
    }
    let heading =
      "top-1 errors in percent at severities 1 to 5, their mean, and it relative to AlexNet's:"
    return [heading] + errors + [
      EvaluationResult.row("mean error", share(scores.meanError)),
      EvaluationResult.row("mCE", share(scores.meanCorruptionError)),
      EvaluationResult.row(
        "throughput", "\(Formatted.fixed(imagesPerSecond, 1)) images/s, \(images) images"),
    ]
  }

  /// Why there is no mean corruption error, as a sentence; nil where there is one.
  public var missing: String? {
    guard !scores.missing.isEmpty else { return nil }
    let names = scores.missing.map(\.rawValue).joined(separator: ", ")
    return "there is no mCE, as severities are missing of \(names)"
  }

  /// A table of the corruptions: comma-separated values with a heading.
  public var table: [String] { scores.csvLines }

  /// Everything as one JSON document.
  ///
  /// - Parameter record: The same numbers as a run's results keep them.
  public func json(_ record: RunResults.Evaluated) throws -> [UInt8] {
    try EvaluationDocument(result: record, classes: nil).bytes()
  }
}

/// What `mae evaluate --json` writes.
private struct EvaluationDocument: Encodable {
  struct ClassResult: Encodable {
    let name: String
    let images: Int
    let accuracy: Double?
  }

  let result: RunResults.Evaluated
  let classes: [ClassResult]?

  func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(self)) + [0x0A]
  }
}
