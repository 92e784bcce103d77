import Datasets
public import FileSystem
public import Foundation

/// `train.log`: what a run said, each line with the time at which it did.
public final class TrainLog {
  private let file: LogFile
  private let now: () -> Date
  private let style: Date.ISO8601FormatStyle

  /// Opens the log at its end, or creates it.
  public init(
    at url: URL, timeZone: TimeZone = .current, now: @escaping () -> Date = { Date() }
  ) throws(FileError) {
    file = try LogFile(at: url.path)
    try file.startLine()
    self.now = now
    style = Date.ISO8601FormatStyle(timeZone: timeZone)
  }

  /// Adds a text; its further lines are indented below the first.
  public func write(_ text: String) throws(FileError) {
    let time = now().formatted(style)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let indent = String(repeating: " ", count: time.count)
    let stamped = lines.enumerated().map { "\($0.offset == 0 ? time : indent)  \($0.element)\n" }
    try file.append(stamped.joined())
  }
}
