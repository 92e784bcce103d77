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

  @Test func `who is cancelled before the computation is not computed`() async throws {
    let sizes = Mutex<[Int]>([])
    let queue = EngineQueue()
    let batcher = RequestBatcher<String, Int>(
      limit: { _ in 8 }, wait: .zero, queue: queue,
      observe: { size in sizes.withLock { $0.append(size) } }
    ) { _, images in images.map { _ in .success(1) } }
    let tasks = (0..<5).map { number in
      Task { try await batcher.answer(image, for: number < 3 ? "a" : "b") }
    }
    // Nothing is computed while this has the engine's turn.
    try await queue.perform {
      while await batcher.waitingCount < 5 { await Task.yield() }
      for task in [tasks[0]] + tasks[3...] { task.cancel() }
      for _ in 0..<100_000 where await batcher.waitingCount > 2 { await Task.yield() }
      #expect(await batcher.waitingCount == 2)
    }
    for (number, task) in tasks.enumerated() {
      let isCancelled = [0, 3, 4].contains(number)
      let refused = await refusal { _ = try await task.value }
      #expect((refused != nil) == isCancelled, "\(number)")
    }
    #expect(sizes.withLock { $0 } == [2])
    // Who comes cancelled is not computed either.
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await batcher.answer(image, for: "a")
    }
    #expect(await refusal { _ = try await late.value } != nil)
    #expect(sizes.withLock { $0 } == [2])
  }

  @Test func `the engine's line keeps its order, and who is cancelled leaves it`() async throws {
    let queue = EngineQueue()
    let order = Mutex<[Int]>([])
    let enter: @Sendable (Int) async throws -> Void = { number in
      try await queue.perform { order.withLock { $0.append(number) } }
    }
    var tasks: [Task<Void, any Error>] = []
    try await queue.perform {
      for number in 0..<6 {
        tasks.append(Task { try await enter(number) })
        while queue.waitingCount <= number { await Task.yield() }
      }
      for number in [0, 3] { tasks[number].cancel() }
      // At once: it is the canceller that takes them out.
      #expect(queue.waitingCount == 4)
    }
    for (number, task) in tasks.enumerated() {
      let isCancelled = number % 3 == 0
      let refused = await refusal { try await task.value }
      #expect((refused != nil) == isCancelled, "\(number)")
    }
    #expect(order.withLock { $0 } == [1, 2, 4, 5])
    // A turn that ended in an error is given on.
    #expect(await refusal { try await queue.perform { throw ServingError.busy } } == .busy)
    #expect(try await queue.perform { 7 } == 7)
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
    metrics.dropped("/v1/embed")
    await metrics.engine(.attention) {}
    let text = metrics.text(.init(requests: 2, bytes: 9))
    for line in [
      "mae_requests_total{route=\"/v1/embed\",status=\"503\"} 1",
      "mae_request_seconds_bucket{route=\"/v1/embed\",le=\"0.005\"} 0",
      "mae_request_seconds_bucket{route=\"/v1/embed\",le=\"0.01\"} 1",
      "mae_request_seconds_bucket{route=\"/v1/embed\",le=\"+Inf\"} 2",
      "mae_request_seconds_count{route=\"/v1/embed\"} 2",
      "mae_batch_images_bucket{le=\"2.0\"} 0", "mae_batch_images_bucket{le=\"4.0\"} 1",
      "mae_requests_dropped_total{route=\"/v1/embed\"} 1",
      "mae_engine_computations_total{work=\"attention\"} 1",
      "mae_engine_computations_total{work=\"batch\"} 0",
      "mae_requests_in_progress 2", "# TYPE mae_batch_images histogram",
    ] {
      #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)")
    }
  }
}
