import Foundation
import Testing

/// Compares a text with `Snapshots/NAME.txt`.
///
/// `MAE_RECORD_SNAPSHOTS=1 swift test --filter CommandTests` writes the files anew; what changed is
/// then for `git diff` to show and for a person to judge.
func expectSnapshot(
  _ text: String, _ name: String, file: String = #filePath,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    .appendingPathComponent("Snapshots")
  let url = folder.appendingPathComponent(name + ".txt")
  if ProcessInfo.processInfo.environment["MAE_RECORD_SNAPSHOTS"] == "1" {
    try Data(text.utf8).write(to: url)
    return
  }
  guard let data = try? Data(contentsOf: url) else {
    Issue.record("there is no snapshot \(name)", sourceLocation: sourceLocation)
    return
  }
  let expected = String(decoding: data, as: UTF8.self)
  guard text != expected else { return }
  let (found, wanted) = (lines(text), lines(expected))
  let first = zip(found, wanted).enumerated().first { $1.0 != $1.1 }?.offset
  let at = first ?? min(found.count, wanted.count)
  Issue.record(
    """
    \(name) differs from its snapshot in line \(at + 1)
    found:    \(at < found.count ? found[at] : "(the end)")
    expected: \(at < wanted.count ? wanted[at] : "(the end)")
    """, sourceLocation: sourceLocation)
}

private func lines(_ text: String) -> [Substring] {
  text.split(separator: "\n", omittingEmptySubsequences: false)
}
