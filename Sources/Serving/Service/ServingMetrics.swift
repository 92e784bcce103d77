import Foundation
import Synchronization

/// Counts what a server does, for Prometheus.
package final class ServingMetrics: Sendable {
  /// What the engine computes.
  package enum Work: String, CaseIterable, Sendable {
    case batch, reconstruct, attention, neighbours
  }

  private struct Histogram {
    let bounds: [Double]
    var counts: [Int]
    var sum = 0.0

    init(_ bounds: [Double]) {
      self.bounds = bounds
      counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ value: Double) {
      counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
      sum += value
    }
  }

  private struct Answered: Hashable {
    let route: String
    let status: Int
  }

  private struct State {
    var answered: [Answered: Int] = [:]
    var seconds: [String: Histogram] = [:]
    var dropped: [String: Int] = [:]
    var computations: [Work: Int] = [:]
    var engine: [Work: Double] = [:]
    var batches = Histogram([1, 2, 4, 8, 16, 32, 64, 128])
  }

  private let state = Mutex(State())
  private static let secondBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  package init() {}

  /// Counts an answer.
  package func answered(_ route: String, status: Int, after duration: Duration) {
    let seconds = duration / .seconds(1)
    state.withLock { state in
      state.answered[Answered(route: route, status: status), default: 0] += 1
      state.seconds[route, default: Histogram(Self.secondBounds)].add(seconds)
    }
  }

  /// Counts a request whose client went before it was answered.
  package func dropped(_ route: String) {
    state.withLock { $0.dropped[route, default: 0] += 1 }
  }

  /// Counts the images of a computation.
  package func computed(images: Int) { state.withLock { $0.batches.add(Double(images)) } }

  /// How often the engine has computed something.
  func computations(_ work: Work) -> Int { state.withLock { $0.computations[work] ?? 0 } }

  /// Counts a computation of the engine and the time that it takes.
  package func engine<Answer: Sendable>(
    _ work: Work, _ body: () async throws -> Answer
  ) async rethrows -> Answer {
    let start = ContinuousClock.now
    state.withLock { $0.computations[work, default: 0] += 1 }
    defer {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      state.withLock { $0.engine[work, default: 0] += seconds }
    }
    return try await body()
  }

  /// Everything in Prometheus's text format, version 0.0.4.
  package func text(_ load: Admission.Load) -> String {
    let state = state.withLock { $0 }
    var lines: [String] = []
    func begin(_ name: String, _ kind: String, _ help: String) {
      lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(kind)"]
    }
    func add(_ name: String, _ labels: String, _ histogram: Histogram) {
      var sum = 0
      for (place, bound) in (histogram.bounds + [.infinity]).enumerated() {
        sum += histogram.counts[place]
        let edge = bound == .infinity ? "+Inf" : "\(bound)"
        lines.append("\(name)_bucket{\(labels)\(labels.isEmpty ? "" : ",")le=\"\(edge)\"} \(sum)")
      }
      let braces = labels.isEmpty ? "" : "{\(labels)}"
      lines += ["\(name)_sum\(braces) \(histogram.sum)", "\(name)_count\(braces) \(sum)"]
    }
    begin("mae_requests_total", "counter", "Requests answered, by route and status.")
    for (key, count) in state.answered.sorted(by: {
      ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status)
    }) {
      lines.append(
        "mae_requests_total{route=\"\(key.route)\",status=\"\(key.status)\"} \(count)")
    }
    begin("mae_request_seconds", "histogram", "Time from a request's head to its answer.")
    for (route, histogram) in state.seconds.sorted(by: { $0.key < $1.key }) {
      add("mae_request_seconds", "route=\"\(route)\"", histogram)
    }
    begin(
      "mae_requests_dropped_total", "counter",
      "Requests whose client went before they were answered, by route.")
    for (route, count) in state.dropped.sorted(by: { $0.key < $1.key }) {
      lines.append("mae_requests_dropped_total{route=\"\(route)\"} \(count)")
    }
    begin("mae_engine_seconds_total", "counter", "Time that the engine computed, by what it did.")
    for work in Work.allCases {
      lines.append(
        "mae_engine_seconds_total{work=\"\(work.rawValue)\"} \(state.engine[work] ?? 0)")
    }
    begin("mae_engine_computations_total", "counter", "What the engine computed, by kind.")
    for work in Work.allCases {
      lines.append(
        "mae_engine_computations_total{work=\"\(work.rawValue)\"} "
          + "\(state.computations[work] ?? 0)")
    }
    begin("mae_batch_images", "histogram", "Images that were embedded or classified together.")
    add("mae_batch_images", "", state.batches)
    begin("mae_requests_in_progress", "gauge", "Requests with a body that are worked on or wait.")
    lines.append("mae_requests_in_progress \(load.requests)")
    begin("mae_request_bytes_in_progress", "gauge", "What their bodies may have together.")
    lines.append("mae_request_bytes_in_progress \(load.bytes)")
    if let bytes = Self.residentBytes {
      begin("process_resident_memory_bytes", "gauge", "Resident memory.")
      lines.append("process_resident_memory_bytes \(bytes)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Resident memory where the system tells it; nil elsewhere.
  private static var residentBytes: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
      return nil
    }
    let fields = text.split(separator: " ")
    return fields.count > 1 ? Int(fields[1]).map { $0 * 4096 } : nil
  }
}
