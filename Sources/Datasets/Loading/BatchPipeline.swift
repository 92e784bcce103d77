import Foundation
import Imaging

/// Threads that fill batches ahead of one consumer, in order.
///
/// A worker claims a run of slots, decodes them without holding the lock, and reports. At most
/// `depth` batches are under way or waiting to be taken, so memory and work ahead are bounded.
final class BatchPipeline: Sendable {
  let dataset: any ImageDataset
  let transform: ImageTransform
  /// All views of an image that a slot holds, one after another; mostly `transform` alone.
  let views: [ImageTransform]
  let output: PixelOutput
  let plan: BatchPlan
  /// Writes slots where they hold more than a picture; nil where the transform does.
  private let writer: (any SlotWriter)?
  private let workers: Int
  private let depth: Int
  /// Images tried for one slot before it is given up.
  private let attempts: Int
  private let pool: BatchPool
  /// Decoded images; nil where none are kept.
  private let cache: PixelCache?
  private let state: ConditionLock<State>

  private struct State {
    /// Batches under way, the next to be taken first.
    var pending: [Pending] = []
    /// The batch that is begun next.
    var next: Int
    var running = 0
    /// What the workers' time went to.
    var times = StageTimes()
    var isStopped = false
  }

  private struct Pending {
    let number: Int
    let storage: BatchStorage
    var outcomes: [DecodeResult?]
    var claimed = 0
    var finished = 0
  }

  private struct Claim {
    let batch: Int
    let slots: Range<Int>
    let storage: BatchStorage
  }

  init(
    dataset: any ImageDataset, transform: ImageTransform, otherViews: [ImageTransform] = [],
    output: PixelOutput = .floats, plan: BatchPlan, batch: Int,
    startingAt first: Int, workers: Int, depth: Int, attempts: Int, cacheBytes: Int = 0,
    writer: (any SlotWriter)? = nil
  ) {
    self.dataset = dataset
    self.transform = transform
    views = [transform] + otherViews
    self.output = output
    self.plan = plan
    self.workers = workers
    self.depth = depth
    self.attempts = attempts
    self.writer = writer
    let slotBytes = writer?.byteCount ?? views.count * transform.valueCount * output.byteCount
    pool = BatchPool(byteCount: batch * slotBytes, kept: depth + 1)
    cache = cacheBytes > 0 ? PixelCache(limit: cacheBytes) : nil
    state = ConditionLock(State(next: first))
  }

  /// Starts the workers.
  func start() {
    state.withLock { $0.running = workers }
    for number in 0..<workers {
      let thread = Thread { self.work() }
      thread.name = "mae-data-\(number)"
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  /// Tells the workers to stop after the image they are at, and waits until they have.
  func stop() {
    state.withLock { $0.isStopped = true }
    state.broadcast()
    state.wait { $0.running == 0 ? () : nil }
  }

  /// Waits for the next batch; nil after the last one or after `stop`.
  func next() -> FilledBatch? {
    enum Answer {
      case batch(FilledBatch)
      case end
    }
    let answer: Answer = state.wait { state in
      if state.isStopped { return .end }
      guard let first = state.pending.first else {
        return plan.slots(of: state.next) == nil ? .end : nil
      }
      guard first.finished == first.outcomes.count else { return nil }
      state.pending.removeFirst()
      return .batch(
        FilledBatch(
          number: first.number, storage: first.storage, outcomes: first.outcomes.compactMap { $0 }))
    }
    state.broadcast()
    switch answer {
    case .batch(let batch): return batch
    case .end: return nil
    }
  }

  private func work() {
    let scratch = DecoderScratch()
    var latest = LatestRead()
    while let claim = claim() {
      let outcomes = claim.slots.map { fill($0, of: claim, scratch: scratch, after: &latest) }
      let times = scratch.times
      scratch.times = StageTimes()
      let isComplete = state.withLock { state in
        state.times = state.times + times
        guard let at = state.pending.firstIndex(where: { $0.number == claim.batch }) else {
          return false
        }
        for (slot, outcome) in zip(claim.slots, outcomes) {
          state.pending[at].outcomes[slot] = outcome
        }
        state.pending[at].finished += outcomes.count
        return state.pending[at].finished == state.pending[at].outcomes.count
      }
      if isComplete { state.broadcast() }
    }
    state.withLock { $0.running -= 1 }
    state.broadcast()
  }

  /// Waits for slots to fill; nil when there are none left.
  private func claim() -> Claim? {
    let claim: Claim?? = state.wait { state in
      if state.isStopped { return .some(nil) }
      if let at = state.pending.firstIndex(where: { $0.claimed < $0.outcomes.count }) {
        return .some(take(from: &state.pending[at]))
      }
      guard let slots = plan.slots(of: state.next) else { return .some(nil) }
      guard state.pending.count < depth else { return nil }
      state.pending.append(
        Pending(
          number: state.next, storage: pool.take(),
          outcomes: Array(repeating: nil, count: slots)))
      state.next += 1
      return .some(take(from: &state.pending[state.pending.count - 1]))
    }
    return claim ?? nil
  }

  private func take(from pending: inout Pending) -> Claim {
    // Runs long enough that the lock is taken rarely, short enough that no batch waits for one
    // worker.
    let run = min(max(pending.outcomes.count / (8 * workers), 1), 32)
    let end = min(pending.claimed + run, pending.outcomes.count)
    let slots = pending.claimed..<end
    pending.claimed = end
    return Claim(batch: pending.number, slots: slots, storage: pending.storage)
  }

  /// Decodes an image into its slot, or, if it is broken, the next in order that is not.
  private func fill(
    _ slot: Int, of claim: Claim, scratch: DecoderScratch, after latest: inout LatestRead
  ) -> DecodeResult {
    var broken: [UndecodableImage] = []
    for attempt in 0..<attempts {
      guard var choice = plan.choice(batch: claim.batch, slot: slot, attempt: attempt) else {
        break
      }
      do throws(ImageError) {
        if let writer {
          try writer.write(
            choice.index, using: &choice.random,
            into: claim.storage.baseAddress + slot * writer.byteCount, scratch: scratch)
          return DecodeResult(index: choice.index, broken: broken)
        }
        let source = try source(choice.index, scratch: scratch, after: &latest)
        for (view, transform) in views.enumerated() {
          try transform.write(
            source, using: &choice.random,
            into: planes(claim.storage.baseAddress, slot * views.count + view), scratch: scratch)
        }
        return DecodeResult(index: choice.index, broken: broken)
      } catch {
        broken.append(
          UndecodableImage(
            index: choice.index, name: dataset.name(of: choice.index), reason: error.reason))
      }
    }
    return DecodeResult(index: nil, broken: broken)
  }

  private func planes(_ base: UnsafeMutableRawPointer, _ place: Int) -> ImageTransform.Planes {
    let count = transform.valueCount
    let first = base + place * count * output.byteCount
    return switch output {
    case .floats: .floats(first.bindMemory(to: Float.self, capacity: count))
    case .bytes: .bytes(first.bindMemory(to: UInt8.self, capacity: count))
    }
  }

  /// Reads an image, or has it from before: as the latest one, or decoded in the cache.
  private func source(
    _ index: Int, scratch: DecoderScratch, after latest: inout LatestRead
  ) throws(ImageError) -> PixelSource {
    if let source = latest.source, latest.index == index { return source }
    latest.source = nil
    let source = try fresh(index, scratch: scratch)
    latest = LatestRead(index: index, source: source)
    return source
  }

  private func fresh(_ index: Int, scratch: DecoderScratch) throws(ImageError) -> PixelSource {
    if let kept = cache?[index] { return kept }
    var start = StageTimes.Instant.now
    let content = try dataset.content(of: index)
    scratch.times.add(\.read, since: &start)
    if case .encoded(let file) = content { scratch.times.bytes += file.bytes.count }
    guard let cache else { return .content(content) }
    let source = try transform.kept(content, scratch: scratch)
    cache.keep(source, at: index)
    return source
  }

  /// Bytes of decoded images that are kept.
  var cachedBytes: Int { cache?.bytes ?? 0 }

  /// What the workers' time has gone to so far.
  var times: StageTimes { state.withLock { $0.times } }
}

/// Writes an example that is more than a picture.
protocol SlotWriter: Sendable {
  /// Bytes of one example.
  var byteCount: Int { get }
  /// Writes the example of a picture of the set, all of its bytes.
  func write(
    _ index: Int, using random: inout SampleRandom, into place: UnsafeMutableRawPointer,
    scratch: DecoderScratch
  ) throws(ImageError)
}

/// The image that a worker has read last, which is the next one too where images are repeated.
private struct LatestRead {
  var index = -1
  var source: PixelSource?
}

/// What became of one slot.
struct DecodeResult: Sendable {
  /// The image in it; nil where none could be decoded.
  var index: Int?
  /// Images that were tried in vain.
  var broken: [UndecodableImage]
}

/// A batch whose slots have all been tried.
struct FilledBatch: Sendable {
  var number: Int
  var storage: BatchStorage
  var outcomes: [DecodeResult]
}
