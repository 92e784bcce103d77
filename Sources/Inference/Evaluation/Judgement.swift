import FileSystem
import Recipes
public import Datasets
public import Evaluation
public import Imaging
public import Torch

/// How well a classifier does on a labelled set.
public struct Judgement: Sendable {
  /// First guesses, guesses among the first few, and which class was taken for which.
  public let tally: ClassificationTally
  /// Whether it is right as often as it says.
  public let calibration: Calibration
  /// Images that could not be decoded.
  public let broken: [UndecodableImage]
  /// Seconds it took, reading and decoding included.
  public let seconds: Double

  /// Images judged in a second.
  public var imagesPerSecond: Double { seconds > 0 ? Double(tally.total) / seconds : 0 }

  /// Shows a set to a classifier, in order and without augmentation.
  ///
  /// - Parameters:
  ///   - dataset: Every image has a label among the classes.
  ///   - name: What the set is called in messages.
  ///   - transform: The evaluation transform of the model.
  ///   - scores: Images `[B, C, H, W]`, normalised, on `device` → logits `[B, K]`.
  ///   - progress: Called with the number of images done.
  public init(
    of dataset: any ImageDataset, named name: String, classes: Int, transform: ImageTransform,
    batch: Int = 256, workers: Int, on device: Device, progress: (Int) -> Void = { _ in },
    scores: (Tensor) -> Tensor
  ) throws {
    let start = ContinuousClock.now
    let loader = SequentialLoader(
      dataset, path: name, transform: transform, batch: min(batch, max(1, dataset.count)),
      workers: workers)
    defer { loader.stop() }
    var tally = ClassificationTally(classes: classes)
    var calibration = Calibration()
    while let batch = try loader.next() {
      let logits: [Float] = withoutGradients { scores(batch.tensor(on: device)).to(.float32) }
        .array()
      tally.add(scores: logits, labels: batch.labels)
      calibration.add(logits: logits, labels: batch.labels)
      progress(tally.total)
    }
    guard tally.total > 0 else { throw Features.nothingToSee(in: name, loader.broken) }
    self.tally = tally
    self.calibration = calibration
    broken = loader.broken
    seconds = FileSystem.seconds(since: start)
  }
}
