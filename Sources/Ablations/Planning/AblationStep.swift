import FileSystem

/// One piece of work of an ablation, with a folder and a result of its own.
struct AblationStep {
  /// What is done.
  let kind: StepKind
  /// Everything that decides the result, see ``StepRecord/identity``.
  let identity: [String]
  /// The folder of its row.
  let row: String
  /// Its own folder.
  let folder: String
  /// What it takes.
  let cost: StepCost
  /// Does the work, all of it or what is left of it.
  ///
  /// - Returns: What came of it; nil on all processes but the first.
  let perform: (StepContext) throws -> StepResult?

  /// What is known of the step.
  func record() throws(FileError) -> StepRecord? {
    let path = StepRecord.path(of: folder)
    return isFile(path) ? try JSONFile.read(StepRecord.self, from: path) : nil
  }

  /// Keeps what is known.
  func write(_ result: StepResult?) throws(FileError) {
    let path = StepRecord.path(of: folder)
    try makeFolder(above: path)
    try JSONFile.write(StepRecord(kind: kind, identity: identity, result: result), to: path)
  }
}
