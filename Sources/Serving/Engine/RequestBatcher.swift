package import Imaging

/// Puts requests of one kind together that come at about the same time, and has them computed at
/// once.
///
/// A request waits for others only while nothing is computed, and not longer than it is told; those
/// that come during a computation are the next one's. One whose task is cancelled before its images
/// are computed is taken out.
package actor RequestBatcher<Key: Hashable & Sendable, Answer: Sendable> {
  /// Computes one kind of answer for images, each for itself.
  package typealias Compute =
    @Sendable (Key, [ImageContent]) async throws -> [Result<Answer, ServingError>]

  private struct Item {
    let number: Int
    let key: Key
    let image: ImageContent
    let since: ContinuousClock.Instant
    let answer: CheckedContinuation<Answer, any Error>
  }

  private let limit: @Sendable (Key) -> Int
  private let wait: Duration
  private let queue: EngineQueue
  private let compute: Compute
  private let observe: @Sendable (Int) -> Void
  private var waiting: [Item] = []
  private var last = 0
  private var isComputing = false
  private var timer: Task<Void, Never>?

  /// - Parameters:
  ///   - limit: Most images that are computed together.
  ///   - wait: How long one waits for others while nothing is computed.
  ///   - queue: Where a computation waits for its turn.
  ///   - observe: Called with the number of images of each computation.
  package init(
    limit: @escaping @Sendable (Key) -> Int, wait: Duration, queue: EngineQueue = EngineQueue(),
    observe: @escaping @Sendable (Int) -> Void = { _ in }, compute: @escaping Compute
  ) {
    self.limit = limit
    self.wait = wait
    self.queue = queue
    self.observe = observe
    self.compute = compute
  }

  /// Requests that wait to be computed.
  var waitingCount: Int { waiting.count }

  /// The answer for an image.
  ///
  /// - Throws: What the computation throws for it; `CancellationError` where the task is cancelled
  ///   before that.
  package func answer(_ image: ImageContent, for key: Key) async throws -> Answer {
    last += 1
    let number = last
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // Otherwise the handler's task finds it: that one comes after this.
        guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
        waiting.append(
          Item(number: number, key: key, image: image, since: .now, answer: continuation))
        proceed()
      }
    } onCancel: {
      Task { await drop(number) }
    }
  }

  /// Takes out a request, where it waits still.
  private func drop(_ number: Int) {
    guard let place = waiting.firstIndex(where: { $0.number == number }) else { return }
    waiting.remove(at: place).answer.resume(throwing: CancellationError())
  }

  /// Begins a computation where there is enough to compute or somebody has waited long enough.
  private func proceed() {
    guard !isComputing, let oldest = waiting.first else { return }
    let count = waiting.count { $0.key == oldest.key }
    let due = oldest.since + wait
    guard count >= limit(oldest.key) || due <= .now else {
      if timer == nil {
        timer = Task {
          try? await Task.sleep(until: due)
          if Task.isCancelled { return }
          timer = nil
          proceed()
        }
      }
      return
    }
    timer?.cancel()
    timer = nil
    isComputing = true
    let key = oldest.key
    Task { await run(key) }
  }

  /// Computes those of a key that wait when the engine is free.
  private func run(_ key: Key) async {
    var batch: [Item] = []
    do {
      let answers: [Result<Answer, ServingError>] = try await queue.perform {
        batch = take(key)
        guard !batch.isEmpty else { return [] }
        return try await compute(key, batch.map(\.image))
      }
      precondition(answers.count == batch.count, "\(answers.count) answers to \(batch.count)")
      for (item, answer) in zip(batch, answers) { item.answer.resume(with: answer) }
    } catch {
      for item in batch { item.answer.resume(throwing: error) }
    }
    isComputing = false
    proceed()
  }

  /// The oldest of a key, no more than are computed together.
  private func take(_ key: Key) -> [Item] {
    var batch: [Item] = []
    let most = max(1, limit(key))
    waiting.removeAll { item in
      guard item.key == key, batch.count < most else { return false }
      batch.append(item)
      return true
    }
    if !batch.isEmpty { observe(batch.count) }
    return batch
  }
}
