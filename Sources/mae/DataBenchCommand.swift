import ArgumentParser
import Datasets
import Foundation
import Imaging
import MaskedAutoencoders
import Training

/// How fast batches are made, and where the time goes.
struct DataBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Time the making of batches: read, decode, resample.",
    discussion: """
      Random resized crop to 224, flip, normalised floats, as pre-training does it. Without DATA, 200 \
      made-up photographs of 500 × 375, quality 95, are written to a temporary folder.

      Examples:
        mae bench data
        mae bench data photos/ --workers 2
        mae bench data --index 10000000
        mae bench data --finetuning
      """)

  @Argument(help: dataHelp, completion: .directory)
  var data: String?

  @Option(help: "Keep the made-up photographs in this folder, for a peer to read.")
  var keep: String?

  @Option(help: "Threads that make batches; first one, then two unless given.")
  var workers: Int?

  @Option(help: "Images to make.")
  var images = 2000

  @Option(help: "Side of the model's images.")
  var size = 224

  @Option(
    help: """
      Instead, open the indexes of shards with so many made-up images: how long it takes, how much \
      memory they and an epoch's order need. 10 million take 0.5 GB of the temporary folder.
      """)
  var index: Int?

  @Flag(help: "Augment as fine-tuning does: RandAugment (9, 0.5) and random erasing, too.")
  var finetuning = false

  @Option(help: "Gigabytes of memory for decoded images, as data.cache of a recipe.")
  var cache = 0.0

  @Flag(help: "Leave normalising to the device, as data.normalizeOnDevice of a recipe.")
  var bytes = false

  func validate() throws {
    if !(0...1e6).contains(cache) {
      throw ValidationError("--cache is \(cache); expected gigabytes, 0 or more")
    }
    if bytes, finetuning {
      throw ValidationError("--bytes and --finetuning exclude each other: bytes hold no erasing")
    }
    let counts = [
      ("workers", workers ?? 1), ("images", images), ("size", size), ("index", index ?? 1),
    ]
    for (name, value) in counts where value < 1 {
      throw ValidationError("--\(name) is \(value); expected at least 1")
    }
    if index != nil, data != nil || keep != nil {
      throw ValidationError("--index makes its own images: leave out DATA and --keep")
    }
  }

  func run() throws {
    let temporary =
      NSTemporaryDirectory() + "/mae-bench-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: temporary) }
    if let index {
      let result = try IndexBenchmark(
        images: index, shards: min(1000, (index + 9999) / 10_000), in: temporary)
      for line in result.lines { print(line) }
      return
    }
    if data == nil { try SyntheticPhotos().write(count: 200, to: keep ?? temporary) }
    let path = try data.map { word throws in try dataPath(word) } ?? keep ?? temporary
    let dataset = try openDataset(at: path)
    var augmentation = Augmentation.pretraining
    if finetuning {
      augmentation = .finetuning
      augmentation.erasing = RandomErasing()
    }
    let transform = ImageTransform(
      augmentation, size: PixelSize(width: size, height: size), normalization: .imageNet)
    for count in workers.map({ [$0] }) ?? [1, 2] {
      let result = try DataBenchmark(
        dataset, path: data ?? "made-up photographs", transform: transform, images: images,
        output: bytes ? .bytes : .floats, cacheBytes: Int(cache * 1e9), workers: count)
      for line in result.lines { print(line) }
    }
  }
}
