import Datasets
import FileSystem
import Foundation

/// A run's numbers, pictures and files on an MLflow tracking server.
///
/// Everything goes into the journal in the run folder first (``MLflowFolder``), and from there to the
/// server on a thread of its own. A server that goes away is told what it missed when it is back, or
/// when the run is resumed. A run that is resumed is the same run on the server; of steps that are
/// taken again it keeps what it was told first, as it forgets nothing.
package final class MLflowLog: RunLog {
  private let folder: MLflowFolder
  private let server: String
  private let journal: LogFile
  private let sender: MLflowSender
  private let now: () -> Date
  /// The latest step of each name, and the files, that are in the journal.
  private var told: (steps: [String: Int], files: Set<String>)

  /// The run as the server is to know it.
  package struct Description {
    /// The run's name.
    package var name: String
    /// What it was started with.
    package var parameters: [(name: String, value: String)]
    /// What else there is to know.
    package var tags: [(name: String, value: String)]
  }

  /// Starts to log, or goes on in a run folder that was logged before.
  ///
  /// - Parameters:
  ///   - address: The server's; nil for the one of before.
  ///   - run: The run folder.
  ///   - environment: Has MLflow's own variables: who asks, and `MLFLOW_EXPERIMENT_NAME`.
  package convenience init(
    _ address: String?, run: String, _ description: @autoclosure () -> Description,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    try self.init(address, run: run, description(), environment: environment, rhythm: .init())
  }

  init(
    _ address: String?, run: String, _ description: @autoclosure () -> Description,
    environment: [String: String], rhythm: MLflowSender.Rhythm,
    now: @escaping () -> Date = Date.init
  ) throws {
    folder = MLflowFolder(run: run)
    self.now = now
    let before = try folder.state()
    let isBegun = before != nil && isFile(folder.journalPath)
    let address = address ?? before?.server ?? ""
    server = HTTPClient.shown(address)
    var state = before ?? MLflowState(server: server)
    state.server = server
    try makeFolder(folder.path)
    journal = try LogFile(at: folder.journalPath)
    try journal.startLine()
    var entry = MLflowEntry(at: now())
    if isBegun {
      told = try folder.told()
      entry.status = "RUNNING"
    } else {
      told = ([:], [])
      entry.beginning = MLflowEntry.Beginning(
        description(), experiment: environment["MLFLOW_EXPERIMENT_NAME"])
    }
    try journal.append(entry.line)
    try folder.write(state)
    sender = MLflowSender(
      folder, state, to: MLflowServer(address, environment: environment), rhythm: rhythm)
  }

  deinit { sender.end() }

  /// Whether a run folder was logged before.
  package static func isUsed(in run: String) -> Bool {
    isFile(MLflowFolder(run: run).statePath)
  }

  /// What is said before time is spent.
  package var summary: String { "MLflow at \(server)" }

  package func record(
    step: Int, epoch: Double, values: [(name: String, value: Double)]
  ) throws {
    let new = (values + [("epoch", epoch)]).filter { step > told.steps[$0.name] ?? -1 }
    guard new.contains(where: { $0.name != "epoch" }) else { return }
    var entry = MLflowEntry(at: now())
    entry.metrics = MLflowEntry.Metrics(
      step: step,
      values: new.map { MLflowEntry.Metric(name: $0.name, value: MLflowEntry.Number($0.value)) })
    try journal.append(entry.line)
    for value in new { told.steps[value.name] = step }
    sender.wake()
  }

  package func add(picture path: String) throws {
    guard told.files.insert(path).inserted else { return }
    try add(file: path)
    sender.wake()
  }

  private func add(file path: String) throws {
    var entry = MLflowEntry(at: now())
    entry.file = path
    try journal.append(entry.line)
  }

  package func takeNotes() -> [String] { sender.takeNotes() }

  /// Seconds that a session which ends early waits for the server.
  private static let patience = 10.0

  package func end(_ ending: SessionEnding, shouldStop: () -> Bool) throws -> [String] {
    let files = RunFiles(of: folder.run)
    for path in files.small where told.files.insert(path).inserted || !path.contains("/") {
      try add(file: path)
    }
    var entry = MLflowEntry(at: now())
    entry.status =
      switch ending {
      case .finished: "FINISHED"
      case .stopped: "KILLED"
      case .failed: "FAILED"
      }
    try journal.append(entry.line)
    if ending == .finished {
      for path in files.weights where told.files.insert(path).inserted { try add(file: path) }
    }
    sender.end()
    let start = ContinuousClock.now
    var outcome = sender.wait(seconds: 0.1)
    while outcome == nil,
      ending == .finished ? !shouldStop() : seconds(since: start) < Self.patience
    {
      outcome = sender.wait(seconds: 0.1)
    }
    let notes = takeNotes().map { "note: " + $0 }
    let problem = outcome.map(\.problem) ?? "has not taken everything yet"
    guard let problem else {
      return notes + [outcome?.page.map { "mlflow    " + $0 }].compactMap(\.self)
    }
    return notes + [
      "note: MLflow at \(server) \(problem); \(folder.path) keeps what it has not got, and --resume sends it"
    ]
  }
}

extension MLflowEntry.Beginning {
  /// Longest value of a parameter that every server takes.
  private static let longest = 500

  fileprivate init(_ description: MLflowLog.Description, experiment: String?) {
    let named = experiment.flatMap { $0.isEmpty ? nil : $0 }
    self.init(
      name: description.name, experiment: named ?? "mae",
      parameters: description.parameters.map { [$0.name, String($0.value.prefix(Self.longest))] },
      tags: description.tags.map { [$0.name, $0.value] })
  }
}

/// The files of a run folder that are kept with a run, below it.
struct RunFiles: Hashable {
  /// All but checkpoints, other runs in the folder, and what is hidden.
  var small: [String] = []
  /// What runs of the newest checkpoint: its weights and `model.json`.
  var weights: [String] = []

  init(of run: String) {
    func names(_ folder: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { !$0.hasPrefix(".") }.sorted()
    }
    func look(_ folder: String) {
      for name in names(folder.isEmpty ? run : "\(run)/\(folder)") {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        if isFile("\(run)/\(path)") {
          small.append(path)
        } else if isFolder("\(run)/\(path)"), !holdsRuns("\(run)/\(path)"),
          !["checkpoints", MLflowFolder.name].contains(path)
        {
          look(path)
        }
      }
    }
    func holdsRuns(_ folder: String) -> Bool {
      isFile(folder + "/recipe.yaml")
        || names(folder).contains { isFile("\(folder)/\($0)/recipe.yaml") }
    }
    look("")
    let steps = names(run + "/checkpoints").compactMap { name in
      name.hasPrefix("step-") ? Int(name.dropFirst(5)) : nil
    }
    guard let last = steps.max() else { return }
    weights = ["model.json", "weights.safetensors"].map { "checkpoints/step-\(last)/\($0)" }
  }
}
