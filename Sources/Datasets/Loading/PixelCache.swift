package import Imaging
import Synchronization

/// Decoded images, or rasters as they were read, that are kept while there is room for them: the first that are decoded
/// stay, so that in shuffled epochs as many images as fit are decoded once.
///
/// What is in a batch does not depend on it: with a cache every image is decoded as a whole at a
/// scale that follows from its size, whether it is kept or not.
package final class PixelCache: Sendable {
  /// Most bytes that are kept.
  let limit: Int
  private let kept = Mutex(Kept())

  private struct Kept {
    var images: [Int: PixelSource] = [:]
    var bytes = 0
  }

  /// What an image takes besides its pixels, about: its place in the table and the header of its
  /// memory.
  static let overhead = 160

  init(limit: Int) { self.limit = limit }

  /// An image that is kept.
  subscript(index: Int) -> PixelSource? { kept.withLock { $0.images[index] } }

  /// Keeps an image, unless there is no room.
  func keep(_ image: PixelSource, at index: Int) {
    let cost = image.byteCount + Self.overhead
    kept.withLock { kept in
      guard kept.bytes + cost <= limit, kept.images[index] == nil else { return }
      kept.images[index] = image
      kept.bytes += cost
    }
  }

  /// Bytes that are kept now.
  var bytes: Int { kept.withLock { $0.bytes } }

  /// What all images of a set would take, about, from the sizes of some.
  package static func bytes(of dataset: any ImageDataset, for transform: ImageTransform) -> Int {
    let sample = min(dataset.count, 200)
    var bytes = 0.0
    var found = 0.0
    for i in 0..<sample {
      let index = i * dataset.count / sample
      guard let content = try? dataset.content(of: index) else { continue }
      bytes += Double(transform.byteCountOfWhole(content) + overhead)
      found += 1
    }
    return found > 0 ? Int(bytes / found * Double(dataset.count)) : 0
  }
}
