import ArgumentParser
import Datasets
import Imaging
import MaskedAutoencoders
import Training

/// How fast batches are made, and where the time goes.
struct DataBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Time the making of batches: read, decode, resample.",
    discussion: """
      Random resized crop to 224, flip, normalised floats, as pre-training does it.

      Examples:
        mae bench data photos/
        mae bench data photos/ --workers 2
        mae bench data photos/ --finetuning
      """)

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "Threads that make batches; first one, then two unless given.")
  var workers: Int?

  @Option(help: "Images to make.")
  var images = 2000

  @Option(help: "Side of the model's images.")
  var size = 224

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
    for (name, value) in [("workers", workers ?? 1), ("images", images), ("size", size)]
    where value < 1 {
      throw ValidationError("--\(name) is \(value); expected at least 1")
    }
  }

  func run() throws {
    let dataset = try openDataset(at: dataPath(data))
    var augmentation = Augmentation.pretraining
    if finetuning {
      augmentation = .finetuning
      augmentation.erasing = RandomErasing()
    }
    let transform = ImageTransform(
      augmentation, size: PixelSize(width: size, height: size), normalization: .imageNet)
    for count in workers.map({ [$0] }) ?? [1, 2] {
      let result = try DataBenchmark(
        dataset, path: data, transform: transform, images: images,
        output: bytes ? .bytes : .floats, cacheBytes: Int(cache * 1e9), workers: count)
      for line in result.lines { print(line) }
    }
  }
}
