import Datasets
import FileSystem
import Foundation

/// An MLflow tracking server, by its REST API 2.0.
struct MLflowServer: Sendable {
  /// Why a server did not take something.
  struct Failure: Error, Hashable {
    /// What happened, as a sentence goes on after the server's name.
    var reason: String
    /// Whether the server will never take it: it was understood and refused.
    var isFinal = false
    /// Whether the server itself answered.
    var isAnswer = false
    /// Whether the server has no such run or experiment.
    var isMissing = false
    /// Whether there is already such an experiment.
    var isThere = false
  }

  let address: String
  private let headers: [String]
  private let patience = HTTPPatience(connectSeconds: 5, stallSeconds: 30, seconds: 60)

  /// - Parameter environment: Says who asks, in MLflow's own variables: `MLFLOW_TRACKING_TOKEN`, or
  ///   `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`.
  init(_ address: String, environment: [String: String]) {
    self.address = address
    func value(_ name: String) -> String? {
      environment["MLFLOW_TRACKING_" + name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let token = value("TOKEN") {
      headers = ["Authorization: Bearer \(token)"]
    } else if let user = value("USERNAME") {
      let pair = Data("\(user):\(value("PASSWORD") ?? "")".utf8)
      headers = ["Authorization: Basic \(pair.base64EncodedString())"]
    } else {
      headers = []
    }
  }

  /// The number of an experiment, which is made where there is none.
  func experiment(named name: String) throws(Failure) -> String {
    let query = "experiments/get-by-name?experiment_name=" + Self.escaped(name)
    func found() throws(Failure) -> String? {
      let answer = try object(.get, query)
      return answer["experiment"]?.object?["experiment_id"]?.string
    }
    do throws(Failure) {
      if let found = try found() { return found }
    } catch  where error.isMissing {
      do throws(Failure) {
        let answer = try object(.post, "experiments/create", ["name": .string(name)])
        if let made = answer["experiment_id"]?.string { return made }
      } catch  where error.isThere {
        // Another run has made it meanwhile.
        if let found = try found() { return found }
      }
    }
    throw Failure(reason: "answers as no MLflow server does")
  }

  /// Makes a run; gives its number and where its files are kept.
  func makeRun(
    in experiment: String, named name: String, at time: Int, tags: [[String]]
  ) throws(Failure) -> (id: String, artifacts: String?) {
    let answer = try object(
      .post, "runs/create",
      [
        "experiment_id": .string(experiment), "run_name": .string(name),
        "start_time": .integer(time), "tags": Self.pairs(tags),
      ])
    guard let info = answer["run"]?.object?["info"]?.object, let id = info["run_id"]?.string else {
      throw Failure(reason: "answers as no MLflow server does")
    }
    return (id, info["artifact_uri"]?.string)
  }

  /// Logs what a run was started with; a hundred at a time, as the API asks for.
  func log(parameters: [[String]], of run: String) throws(Failure) {
    for start in stride(from: 0, to: parameters.count, by: 100) {
      let some = Array(parameters[start..<min(start + 100, parameters.count)])
      _ = try object(
        .post, "runs/log-batch", ["run_id": .string(run), "params": Self.pairs(some)])
    }
  }

  /// Numbers that the API takes at once, at most.
  static let mostMetrics = 1000

  /// Logs numbers.
  func log(_ entries: [MLflowEntry], of run: String) throws(Failure) {
    let metrics = entries.flatMap { entry in
      (entry.metrics?.values ?? []).map { metric in
        MetricMessage(
          key: metric.name, value: metric.value, timestamp: entry.time,
          step: entry.metrics?.step ?? 0)
      }
    }
    guard !metrics.isEmpty else { return }
    _ = try object(.post, "runs/log-batch", encoding: Batch(run_id: run, metrics: metrics))
  }

  private struct MetricMessage: Encodable {
    let key: String
    let value: MLflowEntry.Number
    let timestamp: Int
    let step: Int
  }

  private struct Batch: Encodable {
    let run_id: String
    let metrics: [MetricMessage]
  }

  /// Says what a run is now.
  func update(_ run: String, status: String, at time: Int) throws(Failure) {
    var fields: [String: JSONValue] = ["run_id": .string(run), "status": .string(status)]
    if status != "RUNNING" { fields["end_time"] = .integer(time) }
    _ = try object(.post, "runs/update", fields)
  }

  /// Keeps a file with a run.
  ///
  /// - Parameters:
  ///   - artifacts: Where the server keeps the run's files, `mlflow-artifacts:/0/…/artifacts`.
  ///   - name: Below that.
  func keep(_ file: ReadableFile, named name: String, in artifacts: String) throws(Failure) {
    guard let folder = proxied(artifacts) else {
      throw Failure(
        reason: "keeps files at \(HTTPClient.shown(artifacts)), which it does not take them for",
        isFinal: true, isAnswer: true)
    }
    let message = HTTPMessage(
      .put, folder + "/" + Self.escaped(name, allowing: "/"),
      headers: headers + ["Content-Type: application/octet-stream"], content: .file(file))
    var patience = patience
    patience.seconds = nil
    _ = try answer(to: message, patience)
  }

  /// The address of a run's files behind the server; nil where they do not go through it.
  private func proxied(_ artifacts: String) -> String? {
    if artifacts.hasPrefix("http://") || artifacts.hasPrefix("https://") { return artifacts }
    let scheme = "mlflow-artifacts:"
    guard artifacts.hasPrefix(scheme) else { return nil }
    var path = artifacts.dropFirst(scheme.count)
    if path.hasPrefix("//") { path = path.dropFirst(2).drop { $0 != "/" } }
    return "\(address)/api/2.0/mlflow-artifacts/artifacts/\(path.drop { $0 == "/" })"
  }

  // MARK: requests

  private func object(
    _ method: HTTPMessage.Method, _ path: String, _ fields: [String: JSONValue]? = nil
  ) throws(Failure) -> [String: JSONValue] {
    try object(method, path, encoding: fields.map { JSONValue.object($0) })
  }

  private func object(
    _ method: HTTPMessage.Method, _ path: String, encoding value: (some Encodable)?
  ) throws(Failure) -> [String: JSONValue] {
    var message = HTTPMessage(method, "\(address)/api/2.0/mlflow/\(path)", headers: headers)
    if let value {
      message.headers.append("Content-Type: application/json")
      message.content = .bytes(Array((try? JSONEncoder().encode(value)) ?? Data()))
    }
    let content = try answer(to: message, patience).content
    guard let answer = JSONValue.object(content) else {
      throw Failure(reason: "answers as no MLflow server does")
    }
    return answer
  }

  private func answer(
    to message: HTTPMessage, _ patience: HTTPPatience
  ) throws(Failure) -> HTTPAnswer {
    let answer: HTTPAnswer
    do throws(HTTPFailure) {
      answer = try message.send(patience)
    } catch {
      throw Failure(reason: "cannot be reached (\(error.reason))")
    }
    guard !(200..<300).contains(answer.status) else { return answer }
    let said = JSONValue.object(answer.content)
    let code = said?["error_code"]?.string ?? ""
    let words = (said?["message"]?.string).map { ": " + $0.prefix(200).split(separator: "\n")[0] }
    let isMissing = code == "RESOURCE_DOES_NOT_EXIST"
    // What is no answer of MLflow's own says nothing about what it would take: 502 to 504 are those of
    // a proxy whose server is gone. 501 is MLflow's for files that it does not take.
    let isOwn = (400..<500).contains(answer.status) && !code.isEmpty && !isMissing
    throw Failure(
      reason: "answers with status \(answer.status)" + (words ?? Self.advice(answer.status)),
      isFinal: answer.status == 501
        || isOwn && ![401, 403, 408, 425, 429].contains(answer.status),
      isAnswer: ![502, 503, 504].contains(answer.status), isMissing: isMissing,
      isThere: code == "RESOURCE_ALREADY_EXISTS")
  }

  private static func advice(_ status: Int) -> String {
    switch status {
    case 401, 403:
      "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    case 404: "; is it an MLflow server?"
    default: ""
    }
  }

  private static func pairs(_ pairs: [[String]]) -> JSONValue {
    .list(pairs.map { .object(["key": .string($0[0]), "value": .string($0[1])]) })
  }

  private static func escaped(_ text: String, allowing more: String = "") -> String {
    let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~" + more
    return text.addingPercentEncoding(withAllowedCharacters: CharacterSet(charactersIn: plain))
      ?? text
  }
}
