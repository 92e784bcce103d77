@testable import Serving
import Imaging
import Synchronization
import Testing

/// How requests are put together, and how many are let in.
@Suite struct RequestBatcherTests {
  private let image = ImageContent.pixels(ServedModels.picture())

  /// The first computation holds the rest up until all have come.
  @Test func `what comes during a computation is computed together`() async throws {
    let sizes = Mutex<[Int]>([])
    let (gate, open) = AsyncStream<Void>.makeStream()
    let batcher = RequestBatcher<String, Int>(
      limit: { _ in 3 }, wait: .zero, observe: { size in sizes.withLock { $0.append(size) } }
    ) { key, images in
      if key == "first" { for await _ in gate { break } }
      return images.indices.map { .success($0) }
    }
    async let first = batcher.answer(image, for: "first")
    while sizes.withLock({ $0.isEmpty }) { await Task.yield() }
    let answers = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<7 { group.addTask { try await batcher.answer(image, for: "rest") } }
      while await batcher.waitingCount < 7 { await Task.yield() }
      open.yield()
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(try await first == 0)
    #expect(sizes.withLock { $0 } == [1, 3, 3, 1])
    #expect(answers.sorted() == [0, 0, 0, 1, 1, 2, 2])
  }

  @Test func `requests of other kinds are computed apart`() async throws {
    let keys = Mutex<[String]>([])
    let batcher = RequestBatcher<String, String>(limit: { _ in 2 }, wait: .seconds(60)) {
      key, images in
      keys.withLock { $0.append(key) }
      return images.map { _ in .success(key) }
    }
    // Full batches do not wait for the minute to pass.
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for key in ["a", "a", "b", "b"] {
        group.addTask { try await batcher.answer(image, for: key) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers.sorted() == ["a", "a", "b", "b"])
    #expect(keys.withLock { $0.sorted() } == ["a", "b"])
  }

  @Test func `a computation that fails fails its requests`() async throws {
    let batcher = RequestBatcher<Int, Int>(limit: { _ in 1 }, wait: .zero) { key, images in
      if key == 0 { throw ServingError.impossible("no") }
      return [.failure(.malformed("bad"))]
    }
    #expect(await refusal { _ = try await batcher.answer(image, for: 0) }?.status == 422)
    #expect(await refusal { _ = try await batcher.answer(image, for: 1) }?.status == 400)
  }

  @Test func `no more are let in than the queue holds`() async throws {
    var limits = ServingLimits()
    limits.queue = 2
    limits.queueBytes = 100
    let admission = Admission(limits)
    try await admission.perform(bytes: 90) {
      // Its bytes do not fit beside those of the first.
      #expect(await refusal { try await admission.perform(bytes: 11) {} } == .busy)
      try await admission.perform(bytes: 10) {
        #expect(await refusal { try await admission.perform(bytes: 0) {} } == .busy)
        #expect(admission.load == .init(requests: 2, bytes: 100))
      }
    }
    // One alone may have more than all together.
    try await admission.perform(bytes: 1000) {}
    #expect(
      await refusal { try await admission.perform(bytes: 1) { throw ServingError.busy } } == .busy)
    #expect(admission.load == .init())
  }

  @Test func `metrics are Prometheus's text`() async throws {
    let metrics = ServingMetrics()
    metrics.answered("/v1/embed", status: 200, after: .milliseconds(7))
    metrics.answered("/v1/embed", status: 503, after: .seconds(20))
    metrics.computed(images: 3)
    let text = metrics.text(.init(requests: 2, bytes: 9))
    for line in [
      "mae_requests_total{route=\"/v1/embed\",status=\"503\"} 1",
      "mae_request_seconds_bucket{route=\"/v1/embed\",le=\"0.005\"} 0",
      "mae_request_seconds_bucket{route=\"/v1/embed\",le=\"0.01\"} 1",
      "mae_request_seconds_bucket{route=\"/v1/embed\",le=\"+Inf\"} 2",
      "mae_request_seconds_count{route=\"/v1/embed\"} 2",
      "mae_batch_images_bucket{le=\"2.0\"} 0", "mae_batch_images_bucket{le=\"4.0\"} 1",
      "mae_requests_in_progress 2", "# TYPE mae_batch_images histogram",
    ] {
      #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)")
    }
  }
}
