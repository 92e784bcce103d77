import FileSystem
import Runs

/// Gives steps their folders: a step that was begun before, by this ablation or another one in the same
/// folder, keeps its own.
struct StepLayout {
  /// The steps so far, each once.
  private(set) var steps: [AblationStep] = []
  private let rows: String
  private let found: [(folder: String, record: StepRecord)]

  /// Looks at what is in a folder of rows.
  init(in rows: String) throws(FileError) {
    self.rows = rows
    found = try StepRecord.all(in: rows)
  }

  /// Takes a step up, unless the same one is there.
  ///
  /// - Parameters:
  ///   - row: The folder of its row, where it has none yet.
  ///   - make: Makes the step in a folder.
  /// - Returns: Its place among the steps.
  /// - Throws: ``RunFailure`` where something else is in its folder.
  mutating func place(
    _ kind: StepKind, _ identity: [String], in row: String,
    _ make: (_ folder: String) throws -> (
      cost: StepCost, perform: (StepContext) throws -> StepResult?
    )
  ) throws -> Int {
    if let place = steps.firstIndex(where: { $0.kind == kind && $0.identity == identity }) {
      return place
    }
    let known = found.first { $0.record.kind == kind && $0.record.identity == identity }
    let folder = known?.folder ?? "\(rows)/\(row)/\(kind.rawValue)"
    if known == nil, let other = found.first(where: { $0.folder == folder })?.record {
      throw RunFailure(
        .refusedOutput,
        "\(folder) is of another setting (\(Self.difference(identity, other.identity))); name another "
          + "folder with --out")
    }
    precondition(
      !steps.contains { $0.folder == folder }, "two steps of one plan would be in \(folder)")
    let (cost, perform) = try make(folder)
    steps.append(
      AblationStep(
        kind: kind, identity: identity, row: row, folder: folder, cost: cost, perform: perform))
    return steps.count - 1
  }

  /// The first line that two identities do not share.
  private static func difference(_ mine: [String], _ theirs: [String]) -> String {
    if let line = theirs.first(where: { !mine.contains($0) }) { return "it has \(line)" }
    let line = mine.first { !theirs.contains($0) } ?? "its settings are in another order"
    return "it lacks \(line)"
  }
}
