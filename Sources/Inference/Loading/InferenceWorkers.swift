import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Torch

/// Threads that each take a few images, decode them and compute what is asked, on a core of their
/// own.
///
/// On a CPU this is faster than large batches whose every operator is split over the cores: no
/// thread waits for another, decoding needs no cores besides, and what passes between the operators
/// of a few images stays in a core's cache.
final class InferenceWorkers: Sendable {
  /// The results for some images that follow each other.
  struct Portion: Sendable {
    var indices: [Int] = []
    var broken: [UndecodableImage] = []
    /// The rows' numbers, one after the other.
    var values: [Float] = []
    /// The shape of all rows, `[B, …]`.
    var shape: [Int] = []
  }

  private let images: any ImageDataset
  private let transform: ImageTransform
  private let size: Int
  private let model: FrozenModel
  private let compute: @Sendable (LoadedModel, Tensor) -> Tensor
  private let state: ConditionLock<State>

  private struct State {
    /// Finished portions that have not been taken.
    var finished: [Int: Portion] = [:]
    /// The portion that is begun next, and the one taken next.
    var next = 0
    var taken = 0
    var running = 0
    var isStopped = false
  }

  /// Portions there are.
  private let count: Int
  /// Portions begun and not taken, at most.
  private let ahead: Int

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - size: Images in a portion.
  ///   - workers: Threads; the operators of each use an equal share of the engine's.
  ///   - compute: The model and images `[B, C, H, W]` → rows `[B, …]` float32; called on the
  ///     threads.
  init(
    _ images: any ImageDataset, by model: FrozenModel, size: Int, workers: Int,
    computing compute: @escaping @Sendable (LoadedModel, Tensor) -> Tensor
  ) {
    self.images = images
    self.model = model
    self.compute = compute
    self.size = size
    transform = model.model.description.evaluationTransform
    count = (images.count + size - 1) / size
    ahead = 4 * workers
    state = ConditionLock(State())
    state.withLock { $0.running = workers }
    ComputePool.start(workers: workers, named: "mae-inference") { self.run() }
  }

  /// The next portion in order; nil after the last.
  func next() -> Portion? {
    let portion: Portion?? = state.wait { state in
      if state.isStopped || state.taken == count { return .some(nil) }
      guard let portion = state.finished.removeValue(forKey: state.taken) else { return nil }
      state.taken += 1
      return .some(portion)
    }
    state.broadcast()
    return portion ?? nil
  }

  /// Tells the threads to stop after the images they are at, and waits until they have.
  func stop() {
    state.withLock { $0.isStopped = true }
    state.broadcast()
    state.wait { $0.running == 0 ? () : nil }
  }

  private func run() {
    let scratch = DecoderScratch()
    while let number = claim() {
      let portion = made(number, scratch: scratch)
      state.withLock { $0.finished[number] = portion }
      state.broadcast()
    }
    state.withLock { $0.running -= 1 }
    state.broadcast()
  }

  private func claim() -> Int? {
    let number: Int?? = state.wait { state in
      if state.isStopped || state.next == count { return .some(nil) }
      guard state.next - state.taken < ahead else { return nil }
      state.next += 1
      return .some(state.next - 1)
    }
    return number ?? nil
  }

  /// Decodes the images of a portion and computes their rows.
  private func made(_ number: Int, scratch: DecoderScratch) -> Portion {
    let range = number * size..<min((number + 1) * size, images.count)
    var portion = Portion()
    let shape = [transform.channels, transform.size.height, transform.size.width]
    let pixels = Tensor.empty([range.count] + shape)
    pixels.withMutableElements(of: Float.self) { elements in
      guard let first = elements.baseAddress else { return }
      for index in range {
        let planes = first + portion.indices.count * transform.valueCount
        do throws(ImageError) {
          var random = SampleRandom(seed: 0, sample: index)
          let content = try images.content(of: index)
          try transform.write(content, using: &random, into: planes, scratch: scratch)
          portion.indices.append(index)
        } catch {
          portion.broken.append(
            UndecodableImage(index: index, name: images.name(of: index), reason: error.reason))
        }
      }
    }
    guard !portion.indices.isEmpty else { return portion }
    let rows = withoutGradients {
      compute(model.model, pixels.narrowed(0, to: 0..<portion.indices.count)).to(.float32)
    }
    portion.shape = rows.shape
    portion.values = rows.floats()
    return portion
  }
}
