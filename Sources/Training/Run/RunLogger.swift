public import FileSystem
import Foundation
public import Runs

/// Writes down how a run goes: the live line, `train.log`, `metrics.jsonl`, TensorBoard's events and
/// what else was asked for.
///
/// A log that cannot be written is said once and costs the run nothing.
public final class RunLogger: TrainingCallback {
  private let everySteps: Int
  private let logsGradientNorm: Bool
  private let metrics: MetricsLog
  private let events: TensorBoardWriter
  private let log: TrainLog
  private var line: ProgressLine
  private var pace = Throughput()
  private var lossSum = 0.0
  private var lossCount = 0
  private var partSums: [(name: String, error: Double)] = []
  private var hasFailed = false
  private let epochs: Double
  private let memory: () -> Int?
  private let operations: Double?
  private let productRate: () -> Double
  /// What ``productRate`` has said once.
  private lazy var peak = productRate()
  private let parameterNorm: (() -> Double)?
  /// What is written to besides.
  package var others: [any RunLog] = []

  /// Opens the logs of a run.
  ///
  /// - Parameters:
  ///   - step: Steps taken before, in a resumed run: what was logged of later ones is dropped.
  ///   - epochs: Passes over the data of the whole run.
  ///   - everySteps: Steps between two entries.
  ///   - logsGradientNorm: Whether the length of the gradient is logged.
  ///   - parameterNorm: The Euclidean norm of the parameters; nil leaves it out of the logs.
  ///   - operations: Floating-point operations of an image, for the utilisation on the live line; nil
  ///     for none.
  ///   - productRate: Floating-point operations a second that the machine is able to do; asked once.
  ///   - memory: Bytes in use.
  ///   - terminal: Where the live line goes.
  ///   - sink: Takes its text.
  public init(
    _ folder: RunFolder, resumingAfter step: Int, stepsPerEpoch: Int, epochs: Double,
    everySteps: Int, logsGradientNorm: Bool = false, parameterNorm: (() -> Double)? = nil,
    operations: Double? = nil, productRate: @escaping () -> Double = { .infinity },
    memory: @escaping () -> Int? = residentMemory, terminal: Terminal,
    sink: @escaping (String) -> Void
  ) throws {
    self.everySteps = everySteps
    self.logsGradientNorm = logsGradientNorm
    self.parameterNorm = parameterNorm
    self.epochs = epochs
    self.memory = memory
    self.operations = operations
    self.productRate = productRate
    metrics = try MetricsLog(
      at: URL(fileURLWithPath: folder.metricsPath), resumingAfter: step > 0 ? step : nil)
    events = try TensorBoardWriter(
      in: URL(fileURLWithPath: folder.path),
      resumingAt: step > 0 ? Double(step) / Double(stepsPerEpoch) : nil)
    log = try TrainLog(at: URL(fileURLWithPath: folder.logPath))
    line = ProgressLine(terminal: terminal, sink: sink)
  }

  /// Steps between two entries: as many as are asked for, or fewer in a run so short that curves of
  /// it would have no shape.
  public static func interval(_ everySteps: Int, of totalSteps: Int) -> Int {
    min(everySteps, max(1, totalSteps / 20))
  }

  /// Prints a line, to the user and to `train.log`.
  public func print(_ text: String) {
    line.say(text)
    note(text)
  }

  /// Writes a line to `train.log` only.
  public func note(_ text: String) { attempt { try log.write(text) } }

  /// The mean loss of the last entry.
  public private(set) var lastLoss: Double?

  public func stepTaken(_ report: StepReport) {
    pace.add(
      images: report.images, seconds: report.seconds, waiting: report.waited,
      bytes: report.bytes)
    lossSum += report.loss
    lossCount += 1
    partSums =
      partSums.isEmpty
      ? report.parts : zip(partSums, report.parts).map { ($0.name, $0.error + $1.error) }
    line.show(
      Progress(
        epoch: report.epochs, epochs: epochs(of: report), step: report.step,
        steps: report.totalSteps,
        loss: lossSum / Double(lossCount), rate: report.learningRate,
        imagesPerSecond: pace.imagesPerSecond,
        utilization: operations.map { $0 * pace.imagesPerSecond / peak }, dataWait: pace.dataWait,
        bytesPerSecond: pace.bytesPerSecond, memory: memory(),
        secondsLeft: pace.secondsLeft(steps: report.totalSteps - report.step)),
      at: ProcessInfo.processInfo.systemUptime)
    for log in others { for note in log.takeNotes() { print("note: \(note)") } }
    guard report.step % everySteps == 0 || report.step == report.totalSteps else { return }
    var values: [(name: String, value: Double)] = [
      ("loss", lossSum / Double(lossCount)), ("rate", report.learningRate),
      ("images_per_second", pace.imagesPerSecond), ("data_wait", pace.dataWait),
    ]
    if logsGradientNorm { values.append(("gradient_norm", report.gradientNorm)) }
    if let parameterNorm { values.append(("parameter_norm", parameterNorm())) }
    values += partSums.map { (name: $0.name, value: $0.error / Double(lossCount)) }
    lastLoss = lossSum / Double(lossCount)
    (lossSum, lossCount, partSums) = (0, 0, [])
    attempt { try metrics.append(step: report.step, epoch: report.epochs, values: values) }
    attempt {
      try events.write(
        scalars: values.map { (tag: "train/" + $0.name, value: $0.value) }, epoch: report.epochs)
    }
    for log in others {
      attempt { try log.record(step: report.step, epoch: report.epochs, values: values) }
    }
  }

  /// Passes over the data of the whole run, whose length may have changed meanwhile.
  private func epochs(of report: StepReport) -> Double {
    let whole = report.epochs / Double(report.step) * Double(report.totalSteps)
    return abs(whole - epochs) < 1e-6 * epochs ? epochs : whole
  }

  public func checkpointSaved(_ checkpoint: Checkpoint, at step: Int) {
    note("checkpoint \(checkpoint.path)")
  }

  /// Records numbers that are not taken at every step, such as the accuracy on a validation set.
  public func record(step: Int, epoch: Double, values: [(name: String, value: Double)]) {
    attempt { try metrics.append(step: step, epoch: epoch, values: values) }
    attempt {
      try events.write(
        scalars: values.map { (tag: "validation/" + $0.name, value: $0.value) }, epoch: epoch)
    }
    for log in others { attempt { try log.record(step: step, epoch: epoch, values: values) } }
  }

  /// Adds a picture to TensorBoard's events.
  public func add(picture png: [UInt8], named name: String, epoch: Double) throws {
    try events.write(image: Data(png), tag: name, epoch: epoch)
  }

  /// Adds a picture that is a file of the run folder, below it, to the other logs.
  func add(picture path: String) { for log in others { attempt { try log.add(picture: path) } } }

  /// Ends the other logs, and says what there is to say of them.
  func end(_ ending: SessionEnding, shouldStop: () -> Bool) {
    for log in others {
      attempt { for line in try log.end(ending, shouldStop: shouldStop) { print(line) } }
    }
    others = []
  }

  /// Ends the live line.
  public func finish() { line.finish() }

  /// Does what may fail for want of room or rights; the first failure is printed.
  private func attempt(_ work: () throws -> Void) {
    do {
      try work()
    } catch {
      guard !hasFailed else { return }
      hasFailed = true
      line.say("note: \(error); training continues, and what cannot be written is missing there")
    }
  }
}
