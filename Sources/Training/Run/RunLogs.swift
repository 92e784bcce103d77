import Datasets
import FileSystem
import RecipeSyntax
import Recipes
import Runs
import Torch
import TorchNN

/// The logs of a session besides `metrics.jsonl`, TensorBoard's events and `train.log`: those that are
/// asked for, and those that earlier sessions of the run have kept.
struct RunLogs {
  /// Those that could be opened.
  private(set) var opened: [any RunLog] = []
  /// Why others could not: monitoring never costs a run.
  private(set) var problems: [String] = []
  /// What is said of them before time is spent; nil where there are none.
  private(set) var summary: String?

  init(_ asked: [LogDestination], of run: TrainingRun<some TrainingTask>) {
    let folder = run.folder
    let csv = folder.path + "/metrics.csv"
    if asked.contains(.csv) || isFile(csv) {
      add { try CSVLog(at: csv, of: folder.metricsPath) }
    }
    let servers = asked.compactMap { if case .mlflow(let address) = $0 { address } else { nil } }
    guard !servers.isEmpty || MLflowLog.isUsed(in: folder.path) else { return }
    add { try MLflowLog(servers.last, run: folder.path, Self.description(of: run)) }
    summary = (opened.last as? MLflowLog)?.summary
  }

  private mutating func add(_ log: () throws -> any RunLog) {
    do {
      opened.append(try log())
    } catch {
      problems.append("\(error); training continues without this log")
    }
  }

  private static func description(
    of run: TrainingRun<some TrainingTask>
  ) -> MLflowLog.Description {
    let path = canonicalPath(run.folder.path)
    let recipe = run.task.recipe
    let kind = try? RunKind.read(run.folder.path)
    var parameters = ((try? ValueTree(encoding: recipe))?.leaves ?? []).map { leaf in
      (name: "\(leaf.path)", value: "\(leaf.value)")
    }
    parameters += [
      ("inputs.images", run.task.data.path), ("inputs.count", "\(run.task.data.dataset.count)"),
      ("steps", "\(run.totalSteps)"), ("parameters", "\(run.task.store.trainableCount)"),
    ]
    if let encoder = kind?.encoder { parameters.append(("inputs.encoder", encoder)) }
    var tags = [
      (name: "mlflow.runName", value: path.lastName), ("mlflow.source.type", "LOCAL"),
      ("folder", path), ("device", "\(run.device)"), ("libtorch", Engine.version),
    ]
    if let kind { tags += [("mlflow.source.name", kind.command), ("kind", kind.name)] }
    if let note = recipe.note { tags.append(("mlflow.note.content", note)) }
    return MLflowLog.Description(name: path.lastName, parameters: parameters, tags: tags)
  }
}
