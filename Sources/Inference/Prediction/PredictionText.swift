import Datasets
import FileSystem
import Foundation
import Torch

/// How predictions are written, a text for each image, so that none has to be kept.
public struct PredictionText: Sendable {
  /// A way to write them.
  public enum Format: String, CaseIterable, Codable, Sendable {
    /// A line for people: the image, then its classes with percentages.
    case table
    /// One JSON array.
    case json
    /// A JSON object on each line.
    case jsonl
    /// Comma-separated values with a heading (RFC 4180).
    case csv
  }

  private let format: Format
  private let top: Int
  private var isFirst = true
  private var widest = 0

  /// Begins a text.
  ///
  /// - Parameter top: How many classes there are room for in each line of a table of values.
  public init(_ format: Format, top: Int) {
    self.format = format
    self.top = top
  }

  /// What stands before the first prediction.
  public var opening: String {
    switch format {
    case .table, .jsonl: return ""
    case .json: return "["
    case .csv:
      let columns = (1...top).map {
        $0 == 1 ? "label,probability" : "label_\($0),probability_\($0)"
      }
      return "image,\(columns.joined(separator: ",")),error\n"
    }
  }

  /// What stands after the last.
  public var closing: String {
    format == .json ? (isFirst ? "]\n" : "\n]\n") : ""
  }

  /// Predictions of images that follow each other.
  public mutating func text(for predictions: [ImagePrediction]) -> String {
    switch format {
    case .table: return table(predictions)
    case .csv: return predictions.map { csv($0) + "\n" }.joined()
    case .jsonl: return predictions.map { json($0) + "\n" }.joined()
    case .json:
      return predictions.map { prediction in
        defer { isFirst = false }
        return (isFirst ? "\n  " : ",\n  ") + json(prediction)
      }.joined()
    }
  }

  /// Images in a column that is as wide as the longest name so far, within reason.
  private mutating func table(_ predictions: [ImagePrediction]) -> String {
    let names = predictions.map(\.image.oneLine)
    widest = names.map(\.count).filter { $0 <= 60 }.reduce(widest) { max($0, $1) }
    let widest = widest
    return zip(predictions, names).map { prediction, name in
      let gap = String(repeating: " ", count: max(0, widest - name.count) + 2)
      let classes = prediction.topK.map {
        "\($0.label.oneLine) \(Formatted.fixed($0.probability * 100, 1)) %"
      }
      let words = prediction.problem.map { "not decoded: \($0.oneLine)" }
      return name + gap + (words ?? classes.joined(separator: "  ")) + "\n"
    }.joined()
  }

  private func csv(_ prediction: ImagePrediction) -> String {
    var fields = [prediction.image]
    for place in 0..<top {
      let found = prediction.topK.dropFirst(place).first
      fields += [found?.label ?? "", found.map { Self.number($0.probability) } ?? ""]
    }
    fields.append(prediction.problem ?? "")
    return fields.map(CSVText.field).joined(separator: ",")
  }

  private func json(_ prediction: ImagePrediction) -> String {
    var text = "{\"image\": \(prediction.image.json)"
    if let problem = prediction.problem {
      text += ", \"error\": \(problem.json)"
    } else {
      let classes = prediction.topK.map { found in
        let (label, number) = (found.label.json, Self.number(found.probability))
        return "{\"label\": \(label), \"index\": \(found.index), \"probability\": \(number)}"
      }
      text += ", \"predictions\": [\(classes.joined(separator: ", "))]"
    }
    return text + "}"
  }

  /// A probability with as many digits as a 32-bit float holds.
  private static func number(_ value: Double) -> String { "\(Float(value))" }
}
