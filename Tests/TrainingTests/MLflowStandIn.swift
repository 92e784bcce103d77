import Datasets
import FileSystem
import Foundation
import Synchronization
import TestSupport

@testable import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A tracking server with the part of MLflow's REST API that runs are logged by. It can go away and
/// come back on its port, refuse, and answer only when it is told to.
final class MLflowStandIn: Sendable {
  struct Metric: Hashable {
    var name: String
    var step: Int
    var value: Double
  }

  struct Run: Hashable {
    var experiment = ""
    var name = ""
    var parameters: [String: String] = [:]
    var tags: [String: String] = [:]
    /// In the order in which they came.
    var metrics: [Metric] = []
    var files: [String: [UInt8]] = [:]
    var statuses: [String] = []
  }

  /// An answer in the place of the right one.
  struct Refusal: Hashable {
    /// Requests whose path contains it.
    var path: String
    var status: Int
    var code: String
    /// Whether only those whose body contains it are refused.
    var body = ""
  }

  struct State {
    var experiments: [String: String] = [:]
    var runs: [String: Run] = [:]
    var refusals: [Refusal] = []
    /// The requests so far: method, path below the version, and status.
    var log: [String] = []
    var authorization: String?
    var batches: [Int] = []
  }

  let port: Int
  private let state = Mutex(State())
  private let listener = Mutex<Int32?>(nil)
  private let isOpen = ConditionLock(true)

  init() throws {
    setenv("no_proxy", "127.0.0.1", 1)
    let (socket, port) = try listening()
    self.port = port
    serve(socket)
  }

  deinit { stop() }

  var address: String { "http://127.0.0.1:\(port)" }
  /// The one run that there is.
  var run: Run { state.withLock { $0.runs.values.first ?? Run() } }
  var runs: Int { state.withLock { $0.runs.count } }
  func with<R: Sendable>(_ body: (inout sending State) -> sending R) -> R {
    state.withLock { body(&$0) }
  }

  /// Takes no connection any more; nobody listens on the port.
  func stop() {
    listener.withLock { socket in
      guard let open = socket else { return }
      shutdown(open, Int32(SHUT_RDWR))
      close(open)
      socket = nil
    }
  }

  /// Listens on its port again.
  func start() throws { serve(try listening(on: port).socket) }

  /// Answers nothing until it is opened.
  func hold() { isOpen.withLock { $0 = false } }

  func open() {
    isOpen.withLock { $0 = true }
    isOpen.broadcast()
  }

  private func serve(_ socket: Int32) {
    listener.withLock { $0 = socket }
    Thread.detachNewThread { [weak self] in
      while true {
        let client = accept(socket, nil, nil)
        if client < 0 { return }
        let server = self
        Thread.detachNewThread {
          server?.answer(client)
          close(client)
        }
      }
    }
  }

  private func answer(_ client: Int32) {
    guard let (words, headers, body) = Self.read(client) else { return }
    isOpen.wait { $0 ? () : nil }
    let path = words[1].replacing("/api/2.0/", with: "")
    let (status, answer) = state.withLock { state in
      state.authorization = headers["authorization"]
      let text = String(decoding: body, as: UTF8.self)
      let refusal = state.refusals.first {
        path.contains($0.path) && ($0.body.isEmpty || text.contains($0.body))
      }
      let result =
        refusal.map { ($0.status, Self.error($0.code)) } ?? Self.take(path, body, &state)
      state.log.append("\(words[0]) \(path.prefix { $0 != "?" }) \(result.0)")
      return result
    }
    let head =
      "HTTP/1.1 \(status) Whatever\r\nContent-Length: \(answer.utf8.count)\r\nConnection: close\r\n\r\n"
    sendAll(client, Array((head + answer).utf8)[...])
  }

  private static func error(_ code: String) -> String {
    code.isEmpty ? "<html>" : #"{"error_code": "\#(code)", "message": "no, \#(code)"}"#
  }

  private static func take(
    _ path: String, _ body: [UInt8], _ state: inout State
  ) -> (Int, String) {
    let missing = (404, error("RESOURCE_DOES_NOT_EXIST"))
    let fields = JSONValue.object(body) ?? [:]
    func pairs(_ name: String) -> [String: String] {
      let list = (fields[name]?.list ?? []).compactMap(\.object)
      return Dictionary(
        list.map { ($0["key"]?.string ?? "", $0["value"]?.string ?? "") }
      ) { $1 }
    }
    let prefix = "mlflow-artifacts/artifacts/"
    if path.hasPrefix(prefix) {
      let parts = path.dropFirst(prefix.count).split(separator: "/", maxSplits: 3)
      guard parts.count == 4, parts[2] == "artifacts", state.runs["\(parts[1])"] != nil else {
        return missing
      }
      state.runs["\(parts[1])"]?.files["\(parts[3])".removingPercentEncoding ?? ""] = body
      return (200, "{}")
    }
    switch path.prefix(while: { $0 != "?" }) {
    case "mlflow/experiments/get-by-name":
      let name = (path.split(separator: "=").last ?? "").removingPercentEncoding ?? ""
      guard let id = state.experiments[name] else { return missing }
      return (200, #"{"experiment": {"experiment_id": "\#(id)"}}"#)
    case "mlflow/experiments/create":
      let id = "\(state.experiments.count + 1)"
      state.experiments[fields["name"]?.string ?? ""] = id
      return (200, #"{"experiment_id": "\#(id)"}"#)
    case "mlflow/runs/create":
      let id = "run\(state.log.count)"
      state.runs[id] = Run(
        experiment: fields["experiment_id"]?.string ?? "", name: fields["run_name"]?.string ?? "",
        tags: pairs("tags"))
      return (
        200,
        #"{"run": {"info": {"run_id": "\#(id)", "artifact_uri": "mlflow-artifacts:/1/\#(id)/artifacts"}}}"#
      )
    case "mlflow/runs/log-batch":
      guard let id = fields["run_id"]?.string, state.runs[id] != nil else { return missing }
      state.runs[id]?.parameters.merge(pairs("params")) { $1 }
      let metrics = (fields["metrics"]?.list ?? []).compactMap(\.object).map { metric in
        Metric(
          name: metric["key"]?.string ?? "", step: metric["step"]?.integer ?? -1,
          value: metric["value"]?.double ?? .nan)
      }
      if !metrics.isEmpty { state.batches.append(metrics.count) }
      state.runs[id]?.metrics += metrics
      return (200, "{}")
    case "mlflow/runs/update":
      guard let id = fields["run_id"]?.string, state.runs[id] != nil else { return missing }
      state.runs[id]?.statuses.append(fields["status"]?.string ?? "")
      return (200, "{}")
    default: return (404, error(""))
    }
  }

  /// Method, path and version; headers; body.
  private static func read(_ client: Int32) -> ([String], [String: String], [UInt8])? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    func more() -> Bool {
      let got = recv(client, &buffer, buffer.count, 0)
      if got > 0 { bytes += buffer[..<got] }
      return got > 0
    }
    let end = Array("\r\n\r\n".utf8)
    while true {
      if let stop = bytes.firstRange(of: end) {
        let lines = String(decoding: bytes[..<stop.lowerBound], as: UTF8.self)
          .components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          guard let colon = line.firstIndex(of: ":") else { continue }
          headers[line[..<colon].lowercased()] =
            line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while bytes.count < stop.upperBound + length { guard more() else { return nil } }
        return (
          lines[0].split(separator: " ").map(String.init), headers,
          Array(bytes[stop.upperBound..<stop.upperBound + length])
        )
      }
      guard more() else { return nil }
    }
  }
}
