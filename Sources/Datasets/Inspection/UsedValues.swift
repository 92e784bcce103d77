import Dispatch
import Imaging
import Synchronization

/// Which part of their 16 bits the samples of a set's images use.
public struct UsedValues: Hashable, Sendable {
  /// The smallest and the largest sample, of 0…65535.
  public private(set) var range: ClosedRange<Int>
  /// Images with 16 bits a sample.
  public private(set) var images: Int

  init(_ range: ClosedRange<Int>, images: Int) {
    (self.range, self.images) = (range, images)
  }

  /// Decodes a sample of a set, the one that ``PixelStatistics`` reads; nil where it has no image of
  /// 16 bits. Images that cannot be decoded are left out.
  ///
  /// - Parameters:
  ///   - sample: most images that are read; which ones, `seed` says.
  public init?(of dataset: any ImageDataset, sample: Int = 2000, seed: UInt64 = 0) {
    let plan = TrainingPlan(dataset.layout, Sampling(), batch: 1, seed: seed)
    let count = min(sample, dataset.count)
    let order = (0..<count).compactMap { plan.choice(number: $0, slot: 0, attempt: 0)?.index }
    let found = Mutex<UsedValues?>(nil)
    DispatchQueue.concurrentPerform(iterations: order.count) { i in
      guard let content = try? dataset.content(of: order[i]), let range = content.usedValues
      else { return }
      found.withLock { $0.add(range) }
    }
    guard let all = found.withLock({ $0 }) else { return nil }
    self = all
  }

  /// Gray levels of 256 that are left where the upper 8 bits are kept.
  public var levels: Int { (range.upperBound >> 8) - (range.lowerBound >> 8) + 1 }

  /// Whether the upper 8 bits have half of their levels or fewer, and spreading the range gives
  /// more.
  public var isNarrow: Bool { levels <= 128 && range.lowerBound < range.upperBound }

  /// The range as recipes have it: `[0, 4095]`.
  public var listed: String { "[\(range.lowerBound), \(range.upperBound)]" }
}

extension UsedValues? {
  /// Takes the range of one more image.
  mutating func add(_ range: ClosedRange<Int>) {
    guard let before = self else {
      self = UsedValues(range, images: 1)
      return
    }
    self = UsedValues(
      min(
        before.range.lowerBound, range.lowerBound)...max(before.range.upperBound, range.upperBound),
      images: before.images + 1)
  }
}

extension ImageContent {
  /// The smallest and the largest sample of an image with 16 bits; nil for others, and where it
  /// cannot be decoded.
  var usedValues: ClosedRange<Int>? {
    guard case .encoded(let file) = self else { return nil }
    return (try? file.usedValues()) ?? nil
  }
}
