package import FileSystem
import Foundation
import RecipeSyntax
import Runs

/// `metrics.csv`: what `metrics.jsonl` has, as a table with a column for each name in the order of
/// their first appearance, for spreadsheets and data frames. What was not measured at a step, or was
/// not finite, is an empty field.
package final class CSVLog: RunLog {
  private let path: String
  private let metricsPath: String
  private var names: [String] = []
  private var file: LogFile?

  /// Writes the table of what `metrics.jsonl` has so far.
  package init(at path: String, of metricsPath: String) throws(FileError) {
    self.path = path
    self.metricsPath = metricsPath
    try rewrite()
  }

  package func record(
    step: Int, epoch: Double, values: [(name: String, value: Double)]
  ) throws(FileError) {
    // A column more: the rows before get it too.
    guard let file, values.allSatisfy({ names.contains($0.name) }) else { return try rewrite() }
    let record = MetricsRecord(
      step: step, epoch: epoch, values: Dictionary(values.map { ($0.name, $0.value) }) { $1 })
    try file.append(row(record))
  }

  private func rewrite() throws(FileError) {
    file = nil
    let url = URL(fileURLWithPath: metricsPath)
    names = try MetricsLog.names(at: url)
    let rows = try MetricsLog.records(at: url).map(row)
    let header = (["step", "epoch"] + names).map(CSVText.field).joined(separator: ",") + "\n"
    try replaceFile(at: path) { (file) throws(FileError) in
      try file.write(header)
      for row in rows { try file.write(row) }
    }
    file = try LogFile(at: path)
  }

  private func row(_ record: MetricsRecord) -> String {
    let values = names.map { name in
      record.values[name].map { $0.isFinite ? ScalarText.written($0) : "" } ?? ""
    }
    let epoch = ScalarText.written(record.epoch)
    return (["\(record.step)", epoch] + values).joined(separator: ",") + "\n"
  }
}
