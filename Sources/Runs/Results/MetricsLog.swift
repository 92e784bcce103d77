import Datasets
public import FileSystem
public import Foundation
import RecipeSyntax

/// What was measured at one optimizer step.
public struct MetricsRecord: Hashable, Sendable {
  /// Optimizer steps done.
  public var step: Int
  /// Epochs done, with their fraction.
  public var epoch: Double
  /// Values by name. A value that is not finite is written as `null` and not read back.
  public var values: [String: Double]

  /// Creates a record.
  public init(step: Int, epoch: Double, values: [String: Double]) {
    self.step = step
    self.epoch = epoch
    self.values = values
  }
}

/// `metrics.jsonl`: a JSON object a line, with `step`, `epoch` and the values in the order given.
public final class MetricsLog {
  private let file: LogFile

  /// Opens or creates the log. A run that resumes after `step` steps names it: records of later
  /// steps are dropped, because those steps are going to be taken again, and so is a last line that
  /// was cut off. A run that starts afresh leaves `step` nil and the log empty.
  public init(at url: URL, resumingAfter step: Int? = nil) throws(FileError) {
    let kept = try step.map { step throws(FileError) in
      try Self.lines(at: url).filter { $0.record.step <= step }
        .map { $0.text + "\n" }.joined()
    }
    try replaceFile(at: url.path) { (file) throws(FileError) in try file.write(kept ?? "") }
    file = try LogFile(at: url.path)
  }

  /// Adds a record.
  public func append(
    step: Int, epoch: Double, values: KeyValuePairs<String, Double>
  ) throws(FileError) {
    try append(step: step, epoch: epoch, values: values.map { ($0.key, $0.value) })
  }

  /// Adds a record.
  public func append(
    step: Int, epoch: Double, values: [(name: String, value: Double)]
  ) throws(FileError) {
    let fields =
      ["\"step\":\(step)", "\"epoch\":\(Self.json(epoch))"]
      + values.map { "\($0.name.json):\(Self.json($0.value))" }
    try file.append("{" + fields.joined(separator: ",") + "}\n")
  }

  /// All records of a log, in the order of the file; lines that are no records are left out, as the
  /// last one of a run that was killed may be.
  public static func records(at url: URL) throws(FileError) -> [MetricsRecord] {
    try lines(at: url).map(\.record)
  }

  /// The names of the values of a log, in the order of their first appearance.
  package static func names(at url: URL) throws(FileError) -> [String] {
    var names: [String] = []
    for line in try lines(at: url) {
      line.text.utf8.withContiguousStorageIfAvailable { bytes in
        var scanner = JSONScanner(UnsafeRawBufferPointer(bytes))
        try? scanner.object { (scanner, key) throws(JSONScanner.Failure) in
          let name = key.text
          try scanner.skip()
          if name != "step", name != "epoch", !names.contains(name) { names.append(name) }
        }
      }
    }
    return names
  }

  private static func lines(
    at url: URL
  ) throws(FileError) -> [(text: String, record: MetricsRecord)] {
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    let data: Data
    do {
      data = try Data(contentsOf: url)
    } catch {
      throw FileError(
        path: url.path, kind: .failed, message: "cannot be read: \(error.localizedDescription)")
    }
    let decoder = JSONDecoder()
    return data.split(separator: 0x0A).compactMap { line in
      guard let values = try? decoder.decode([String: Double?].self, from: Data(line)),
        let step = values["step"].flatMap({ $0 }).flatMap(Int.init(exactly:)),
        let epoch = values["epoch"].flatMap({ $0 })
      else { return nil }
      let others = values.compactMapValues { $0 }.filter { !["step", "epoch"].contains($0.key) }
      return (
        String(decoding: line, as: UTF8.self),
        MetricsRecord(step: step, epoch: epoch, values: others)
      )
    }
  }

  private static func json(_ value: Double) -> String {
    value.isFinite ? ScalarText.written(value) : "null"
  }
}
