public import FileSystem
import MaskedAutoencoders
public import Runs
import TorchOptim
import Foundation

/// Writes down how a run goes: the live line, `train.log`, `metrics.jsonl` and TensorBoard's events.
public final class RunJournal: TrainingObserver {
  private let everySteps: Int
  private let metrics: MetricsLog
  private let events: TensorBoardWriter
  private let log: TrainLog
  private var line: ProgressLine
  private var pace = Pace()
  private var lossSum = 0.0
  private var lossCount = 0
  private let epochs: Double
  private let memory: () -> Int?

  /// Opens the logs of a run.
  ///
  /// - Parameters:
  ///   - step: Steps taken before, in a resumed run: what was logged of later ones is dropped.
  ///   - epochs: Passes over the data of the whole run.
  ///   - everySteps: Steps between two entries.
  ///   - memory: Bytes in use.
  ///   - terminal: Where the live line goes.
  ///   - sink: Takes its text.
  public init(
    _ folder: RunFolder, resumingAfter step: Int, stepsPerEpoch: Int, epochs: Double,
    everySteps: Int, memory: @escaping () -> Int? = residentMemory, terminal: Terminal,
    sink: @escaping (String) -> Void
  ) throws {
    self.everySteps = everySteps
    self.epochs = epochs
    self.memory = memory
    metrics = try MetricsLog(
      at: URL(fileURLWithPath: folder.metricsPath), resumingAfter: step > 0 ? step : nil)
    events = try TensorBoardWriter(
      in: URL(fileURLWithPath: folder.path),
      resumingAt: step > 0 ? Double(step) / Double(stepsPerEpoch) : nil)
    log = try TrainLog(at: URL(fileURLWithPath: folder.logPath))
    line = ProgressLine(terminal: terminal, sink: sink)
  }

  /// Steps between two entries: as many as are asked for, or fewer in a run so short that curves of it
  /// would have no shape.
  public static func interval(_ everySteps: Int, of totalSteps: Int) -> Int {
    min(everySteps, max(1, totalSteps / 20))
  }

  /// Says something to the user and to `train.log`.
  public func say(_ text: String) throws {
    line.say(text)
    try log.write(text)
  }

  /// Writes something to `train.log` only.
  public func note(_ text: String) throws { try log.write(text) }

  /// The mean loss of the last entry.
  public private(set) var lastLoss: Double?

  public func took(_ report: StepReport) throws {
    pace.add(images: report.images, seconds: report.seconds, waiting: report.waited)
    lossSum += report.loss
    lossCount += 1
    line.show(
      Progress(
        epoch: report.epochs, epochs: epochs, step: report.step, steps: report.totalSteps,
        loss: lossSum / Double(lossCount), rate: report.rate,
        imagesPerSecond: pace.imagesPerSecond, dataWait: pace.dataWait, memory: memory(),
        secondsLeft: pace.secondsLeft(steps: report.totalSteps - report.step)),
      at: ProcessInfo.processInfo.systemUptime)
    guard report.step % everySteps == 0 || report.step == report.totalSteps else { return }
    var values: [(name: String, value: Double)] = [
      ("loss", lossSum / Double(lossCount)), ("rate", report.rate),
      ("images_per_second", pace.imagesPerSecond), ("data_wait", pace.dataWait),
    ]
    if let norm = report.gradientNorm { values.append(("gradient_norm", norm)) }
    try metrics.append(step: report.step, epoch: report.epochs, values: values)
    try events.write(
      scalars: values.map { (tag: "train/" + $0.name, value: $0.value) }, epoch: report.epochs)
    lastLoss = lossSum / Double(lossCount)
    (lossSum, lossCount) = (0, 0)
  }

  public func saved(_ checkpoint: Checkpoint, at step: Int) throws {
    try log.write("checkpoint \(checkpoint.path)")
  }

  /// Notes numbers that are not taken at every step, such as the accuracy on a validation set.
  public func record(
    step: Int, epoch: Double, values: [(name: String, value: Double)]
  ) throws {
    try metrics.append(step: step, epoch: epoch, values: values)
    try events.write(
      scalars: values.map { (tag: "validation/" + $0.name, value: $0.value) }, epoch: epoch)
  }

  /// Adds a picture to TensorBoard's events.
  public func add(picture png: [UInt8], epoch: Double) throws {
    try events.write(image: Data(png), tag: "reconstructions", epoch: epoch)
  }

  /// Ends the live line.
  public func finish() { line.finish() }
}
