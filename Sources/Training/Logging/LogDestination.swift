public import Foundation

/// Where a run's numbers go besides `metrics.jsonl` and TensorBoard's events.
public enum LogDestination: Hashable, Sendable {
  /// `metrics.csv` in the run folder.
  case csv
  /// An MLflow tracking server, by its address.
  case mlflow(String)

  /// What is wrong with a text that names none, as a sentence goes on after it.
  public struct Problem: Error, Hashable, CustomStringConvertible {
    /// The text.
    public let description: String
  }

  /// Reads `csv`, `mlflow=http://host:5000`, or `mlflow`, whose address is then MLflow's own
  /// variable `MLFLOW_TRACKING_URI`.
  public init(
    parsing text: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(Problem) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("csv", 1): self = .csv
    case ("mlflow", 1):
      guard let address = environment["MLFLOW_TRACKING_URI"], !address.isEmpty else {
        throw Problem(
          description:
            "names no server; expected mlflow=http://HOST:5000, or MLFLOW_TRACKING_URI set")
      }
      self = try Self.server(address, "(MLFLOW_TRACKING_URI) ")
    case ("mlflow", _): self = try Self.server(String(parts[1]), "")
    default:
      throw Problem(description: "is no place for logs; expected csv or mlflow=http://HOST:5000")
    }
  }

  private static func server(
    _ address: String, _ origin: String
  ) throws(Problem) -> LogDestination {
    let lowercased = address.lowercased()
    guard let scheme = ["http://", "https://"].first(where: lowercased.hasPrefix),
      address.count > scheme.count, !address.contains(where: \.isWhitespace)
    else {
      throw Problem(
        description:
          "\(origin)has no address of a tracking server; expected http:// or https://, as in "
          + "mlflow=http://HOST:5000")
    }
    var address = address[...]
    while address.hasSuffix("/") { address.removeLast() }
    return .mlflow(String(address))
  }
}
