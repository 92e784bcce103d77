public import Imaging

/// Some images as a model takes them, and what is known about them.
public struct Batch: Sendable {
  /// Number of the batch: the step in training.
  public let number: Int
  /// The images' numbers in the set, `B` of them.
  public let indices: [Int]
  /// The class of each image; −1 where the set has none.
  public let labels: [Int]
  /// Which rows these are of the batch of all processes.
  public let share: BatchShare
  /// Views of each image, `V`; mostly 1.
  public let views: Int
  /// Channels, `C`.
  public let channels: Int
  /// Height and width, `H` and `W`.
  public let size: PixelSize
  /// What `pixels` are.
  public let output: PixelOutput
  /// What pixels that are bytes are still to be normalised by.
  public let normalization: PixelNormalization
  /// Keeps `pixels` alive.
  public let storage: BatchStorage
  let dataset: any ImageDataset

  /// Number of images here, `B`.
  public var count: Int { indices.count }
  /// Normalised float32 or bytes, as `output` says, `[B, C, H, W]`, or `[B, V, C, H, W]` of several
  /// views; valid while `storage` is held.
  public var pixels: UnsafeMutableRawPointer { storage.baseAddress }
  /// What the images are called.
  public var names: [String] { indices.map { dataset.name(of: $0) } }

  /// The pixels as normalised values, for tests and for small uses.
  public var values: [Float] {
    let plane = size.height * size.width
    let count = count * views * channels * plane
    switch output {
    case .floats:
      let floats = UnsafeRawBufferPointer(start: pixels, count: count * MemoryLayout<Float>.stride)
      return Array(floats.assumingMemoryBound(to: Float.self))
    case .bytes:
      let (scale, offset) = (normalization.scale, normalization.offset)
      return UnsafeRawBufferPointer(start: pixels, count: count).enumerated().map { i, byte in
        let channel = i / plane % channels
        return Float(byte) * scale[channel] + offset[channel]
      }
    }
  }
}
