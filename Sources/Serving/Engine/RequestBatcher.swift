package import Imaging

/// Puts requests of one kind together that come at about the same time, and has them computed at
/// once.
///
/// A request waits for others only while nothing is computed, and not longer than it is told; those
/// that come during a computation are the next one's.
package actor RequestBatcher<Key: Hashable & Sendable, Answer: Sendable> {
  /// Computes one kind of answer for images, each for itself.
  package typealias Compute =
    @Sendable (Key, [ImageContent]) async throws -> [Result<Answer, ServingError>]

  private struct Item {
    let key: Key
    let image: ImageContent
    let since: ContinuousClock.Instant
    let answer: CheckedContinuation<Answer, any Error>
  }

  private let limit: @Sendable (Key) -> Int
  private let wait: Duration
  private let compute: Compute
  private let observe: @Sendable (Int) -> Void
  private var waiting: [Item] = []
  private var isComputing = false
  private var timer: Task<Void, Never>?

  /// - Parameters:
  ///   - limit: Most images that are computed together.
  ///   - wait: How long one waits for others while nothing is computed.
  ///   - observe: Called with the number of images of each computation.
  package init(
    limit: @escaping @Sendable (Key) -> Int, wait: Duration,
    observe: @escaping @Sendable (Int) -> Void = { _ in }, compute: @escaping Compute
  ) {
    self.limit = limit
    self.wait = wait
    self.observe = observe
    self.compute = compute
  }

  /// Requests that wait to be computed.
  var waitingCount: Int { waiting.count }

  /// The answer for an image.
  package func answer(_ image: ImageContent, for key: Key) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
      waiting.append(Item(key: key, image: image, since: .now, answer: continuation))
      proceed()
    }
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
    var batch: [Item] = []
    let most = max(1, limit(oldest.key))
    waiting.removeAll { item in
      guard item.key == oldest.key, batch.count < most else { return false }
      batch.append(item)
      return true
    }
    isComputing = true
    Task { await run(batch, key: oldest.key) }
  }

  private func run(_ batch: [Item], key: Key) async {
    observe(batch.count)
    do {
      let answers = try await compute(key, batch.map(\.image))
      precondition(answers.count == batch.count, "\(answers.count) answers to \(batch.count)")
      for (item, answer) in zip(batch, answers) { item.answer.resume(with: answer) }
    } catch {
      for item in batch { item.answer.resume(throwing: error) }
    }
    isComputing = false
    proceed()
  }
}
