import Imaging
import Testing

@testable import Datasets

/// Batches of bytes, to be normalised where they are used.
@Suite(.timeLimit(.minutes(1))) struct ByteBatchTests {
  @Test func `bytes are the floats before they were normalised`() throws {
    let sets = try PhotoSets(count: 13)
    let gray = SyntheticDataset(count: 13, broken: [4], side: 9)
    for set in [sets.folder, gray] as [any ImageDataset] {
      for channels in [1, 3] {
        for jitter in [0, 0.4] {
          var checker = LoaderChecker(set)
          checker.transform.augmentation.jitter = ColorJitter(brightness: jitter, contrast: jitter)
          checker.transform.normalization =
            channels == 3
            ? .imageNet : PixelNormalization(mean: [0.4], std: [0.2])
          let floats = try checker.batches(0..<5)
          checker.output = .bytes
          // The same numbers to the last bit: a product and a sum, each rounded.
          #expect(try checker.batches(0..<5) == floats)
        }
      }
    }
  }

  @Test func `they are planes, and a quarter as large`() throws {
    let set = SyntheticDataset(count: 8)
    let colour = ImageTransform(
      .identity, size: PixelSize(width: 4, height: 4), normalization: .imageNet)
    let loader = BatchLoader(
      set, transform: colour, output: .bytes, batch: 3, seed: 0, workers: 2)
    defer { loader.stop() }
    let batch = try loader.next()
    #expect(batch.output == .bytes)
    #expect(batch.storage.byteCount == 3 * 3 * 16)
    let bytes = Array(UnsafeRawBufferPointer(start: batch.pixels, count: 3 * 3 * 16))
    let expected = try batch.indices.flatMap { index in
      let gray = try set.image(at: index, channels: 1).pixels
      return gray + gray + gray
    }
    #expect(bytes == expected)
  }

  @Test func `loaders go on exactly`() throws {
    let sets = try PhotoSets(count: 11)
    var checker = LoaderChecker(sets.folder)
    checker.output = .bytes
    try checker.checkResuming(steps: 7, workers: [3])
  }
}
