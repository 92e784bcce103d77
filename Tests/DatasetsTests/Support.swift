import Foundation
import Imaging
import Synchronization
import Testing

@testable import Datasets

/// A folder that is gone when the test is over.
final class TemporaryFolder: Sendable {
  let path = NSTemporaryDirectory() + "mae-datasets-\(UUID())"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, and the folders it is in; gives its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file.path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  /// Writes a PNG of one gray level.
  @discardableResult
  func writeImage(_ name: String, gray: Int = 100, side: Int = 4) throws -> String {
    try write(name, grayImage(gray, side: side).encodedAsPNG())
  }
}

func grayImage(_ gray: Int, side: Int = 4) -> ByteImage {
  ByteImage(
    width: side, height: side, channels: 1,
    pixels: Array(repeating: UInt8(gray), count: side * side))
}

/// Images made up on demand; some are broken.
struct SyntheticDataset: ImageDataset {
  var count: Int
  var broken: Set<Int> = []
  var side = 4
  var classes: [String]? { ["even", "odd"] }
  /// How often an image was asked for.
  let asked = Counter()
  /// Something that lives as long as the set does.
  var held: (any Sendable)?

  func label(of index: Int) -> Int? { index % 2 }
  func name(of index: Int) -> String { "image \(index)" }

  func content(of index: Int) throws(ImageError) -> ImageContent {
    asked.increment()
    if broken.contains(index) { throw ImageError(.corrupt, "is damaged on purpose") }
    var random = SampleRandom(seed: 77, sample: index)
    return .pixels(
      ByteImage(
        width: side, height: side, channels: 1,
        pixels: (0..<side * side).map { _ in UInt8(random.integer(below: 256)) }))
  }
}

/// Waits until a condition holds; false where it does not within half a minute.
func becomesTrue(_ condition: () -> Bool) throws -> Bool {
  let end = ContinuousClock.now + .seconds(30)
  while !condition() {
    guard ContinuousClock.now < end else { return false }
    usleep(500)
  }
  return true
}

final class Counter: Sendable {
  private let value = Mutex(0)
  func increment() { value.withLock { $0 += 1 } }
  var count: Int { value.withLock { $0 } }
}

func transform(_ augmentation: Augmentation = .identity, side: Int = 4) -> ImageTransform {
  ImageTransform(
    augmentation, size: PixelSize(width: side, height: side),
    normalization: PixelNormalization(mean: [0.5], std: [0.25]))
}
