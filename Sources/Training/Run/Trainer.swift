import Datasets
import FileSystem
import Foundation
import Inference
import Recipes
public import Runs
public import Torch
import TorchNN
public import TorchOptim

/// The loop: batches in, steps taken, checkpoints written. It can be ended between any two steps and
/// resumed exactly.
///
/// Nothing random is kept between steps: masks, order and crops follow from the seed and the step. So a
/// checkpoint holds weights, moments and the number of steps, and a resumed run equals the unbroken
/// one, bit for bit on a CPU with as many threads.
public final class Trainer<Task: TrainingObjective> {
  /// How long, how fast, how often.
  public struct Plan {
    /// Steps of the whole run.
    public var totalSteps: Int
    /// Steps of one pass over the data.
    public var stepsPerEpoch: Int
    /// The learning rate of a step, counted from 0.
    public var learningRate: (Int) -> Double
    /// Batches that one step adds up.
    public var accumulation = 1
    /// The gradient's greatest length; nil leaves it as it is.
    public var clip: Double?
    /// The type of matrix products; nil for float32.
    public var precision: DType?
    /// Steps between checkpoints.
    public var checkpointEvery: Int
    /// Checkpoints that are kept.
    public var keptCheckpoints = 2
    /// Ends this session, not the run, after so many steps of the run.
    public var stopAfter: Int?
    /// Asked before each step whether to write a checkpoint and end.
    public var shouldStop: () -> Bool = { false }
    /// The run's seed.
    public var seed: UInt64
    /// Images in the set, to notice another one when the run is resumed.
    public var images: Int
    /// The fingerprint of their layout.
    public var layout: UInt32?

    /// Creates a plan; what is left out is the usual.
    public init(
      totalSteps: Int, stepsPerEpoch: Int, learningRate: @escaping (Int) -> Double,
      checkpointEvery: Int, seed: UInt64, images: Int
    ) {
      self.totalSteps = totalSteps
      self.stepsPerEpoch = stepsPerEpoch
      self.learningRate = learningRate
      self.checkpointEvery = checkpointEvery
      self.seed = seed
      self.images = images
    }
  }

  /// Steps taken so far.
  public private(set) var step: Int

  private let task: Task
  private let optimizer: any Optimizer
  private let ema: ModelEMA?
  private let source: Task.Source
  private let plan: Plan
  private let folder: RunFolder
  private let callbacks: Callbacks
  private var savedStep: Int?
  /// The images of the step under way, or of the last one.
  private var files: [String] = []
  /// A batch on its way to a GPU.
  private var upcoming: Result<(batch: Task.Source.Batch, images: Tensor), any Error>?

  /// Puts a run together.
  ///
  /// - Parameters:
  ///   - ema: The moving average of weights to keep, and to save in the weights' place.
  ///   - source: Stands at batch `step · accumulation`.
  ///   - step: Steps taken before, in a resumed run.
  ///   - warn: Told, once, that a callback has failed.
  public init(
    _ task: Task, optimizer: any Optimizer, ema: ModelEMA? = nil, source: Task.Source,
    plan: Plan, folder: RunFolder, startingAt step: Int = 0,
    callbacks: [any TrainingCallback] = [], warn: @escaping (String) -> Void = { _ in }
  ) {
    self.task = task
    self.optimizer = optimizer
    self.ema = ema
    self.source = source
    self.plan = plan
    self.folder = folder
    self.step = step
    self.callbacks = Callbacks(callbacks, warn: warn)
    savedStep = step > 0 ? step : nil
  }

  /// The step that this session ends at.
  private var end: Int { min(plan.totalSteps, plan.stopAfter ?? plan.totalSteps) }

  /// Trains until the last step, a request to stop, or a loss that is not finite.
  ///
  /// - Throws: ``Interruption`` after a request to stop, once a checkpoint is safe; ``RunFailure``.
  public func run() throws {
    while step < end {
      try stopIfAsked()
      let report = try takeStep()
      callbacks.each { try $0.stepTaken(report) }
      if step % plan.checkpointEvery == 0 { try save() }
    }
    try save()
  }

  private func takeStep() throws -> StepReport {
    let start = ContinuousClock.now
    let waitedBefore = source.waited
    task.store.clearGradients()
    files = []
    var losses: [Tensor] = []
    var images = 0
    for part in 0..<plan.accumulation {
      let (batch, pixels) = try nextBatch()
      files += batch.names
      images += batch.count
      losses.append(addGradient(pixels, of: batch, draw: step * plan.accumulation + part))
    }
    let norm = clippedGradientNorm()
    prefetch()
    let (loss, length) = try requireFinite(losses, norm)
    let rate = plan.learningRate(step)
    optimizer.step(learningRate: rate)
    ema?.update()
    step += 1
    return StepReport(
      step: step, totalSteps: plan.totalSteps,
      epochs: Double(step) / Double(plan.stepsPerEpoch), loss: loss, learningRate: rate,
      gradientNorm: length, images: images, seconds: seconds(since: start),
      waited: source.waited - waitedBefore)
  }

  /// Adds a batch's gradient and gives its loss, which is not waited for.
  private func addGradient(_ images: Tensor, of batch: Task.Source.Batch, draw: Int) -> Tensor {
    let loss = withAutocast(to: plan.precision, on: task.store.device) {
      task.loss(images, of: batch, draw: draw)
    }
    (plan.accumulation == 1 ? loss : loss / Double(plan.accumulation)).backward()
    return loss.detached()
  }

  private func clippedGradientNorm() -> Tensor {
    guard let limit = plan.clip else { return gradientNorm(of: optimizer.groups) }
    return clipGradients(of: optimizer.groups, to: limit)
  }

  /// Mean loss and gradient norm, both finite. Reading them is the one wait for the device of a step,
  /// before the optimizer: what is not finite never reaches the weights.
  private func requireFinite(
    _ losses: [Tensor], _ norm: Tensor
  ) throws -> (loss: Double, norm: Double) {
    let values = stacked((losses + [norm]).map { $0.to(.float32).reshaped([]) }).floats()
      .map(Double.init)
    for loss in values.dropLast() where !loss.isFinite { throw notFinite("the loss", loss) }
    let length = values[losses.count]
    guard length.isFinite else { throw notFinite("the gradient's length", length) }
    return (values.dropLast().reduce(0, +) / Double(plan.accumulation), length)
  }

  // MARK: Batches

  private func nextBatch() throws -> (batch: Task.Source.Batch, images: Tensor) {
    guard let ready = upcoming else { return try fetch() }
    upcoming = nil
    return try ready.get()
  }

  private func fetch() throws -> (batch: Task.Source.Batch, images: Tensor) {
    let batch = try source.next()
    return (batch, batch.tensor(on: task.store.device))
  }

  /// Starts the next batch's way to a GPU while the GPU is still at work on this step.
  private func prefetch() {
    guard task.store.device.kind == .cuda, step + 1 < end else { return }
    upcoming = Result { try fetch() }
  }

  // MARK: Checkpoints

  private func save() throws {
    guard savedStep != step else { return }
    // A gradient can be finite and its weight not: such weights must not push out good ones.
    guard task.store.isFinite else { throw notFinite("a weight", .nan) }
    let checkpoint = folder.checkpoint(at: step)
    try checkpoint.write(
      task.description, weights: ema?.weights ?? task.store.weights,
      training: (
        optimizer.state + trainedBesideAverage,
        Checkpoint.Progress(
          step: step, seed: plan.seed, images: plan.images,
          epochs: Double(step) / Double(plan.stepsPerEpoch), layout: plan.layout)
      ))
    savedStep = step
    folder.discardReplaced()
    folder.keepCheckpoints(plan.keptCheckpoints)
    callbacks.each { [step] in try $0.checkpointSaved(checkpoint, at: step) }
  }

  /// The weights that are trained, where their average takes their place in the checkpoint.
  private var trainedBesideAverage: [(name: String, tensor: Tensor)] {
    guard ema != nil else { return [] }
    return task.store.weights.map { (Checkpoint.trainedPrefix + $0.name, $0.tensor) }
  }

  private func stopIfAsked() throws {
    guard plan.shouldStop() else { return }
    if step == 0, folder.holdsReplaced {
      throw Interruption(message: "stopped before the first step")
    }
    try save()
    throw Interruption(
      message: "stopped at step \(step) of \(plan.totalSteps); the checkpoint is safe in "
        + "\(folder.checkpoint(at: step).path). Resume with \(folder.resumeOptions)")
  }

  /// Keeps what is needed to find out why, and the last state that was good.
  private func notFinite(_ what: String, _ value: Double) -> any Error {
    let path = "\(folder.path)/\(RunFolder.notFinitePrefix)\(step).json"
    do {
      try JSONFile.write(
        NotFiniteRecord(
          step: step, what: what, value: "\(value)", learningRate: plan.learningRate(step),
          files: files),
        to: path)
      // A run that this one was to replace has more to show than this one.
      if task.store.isFinite, !folder.holdsReplaced { try save() }
    } catch {
      return error
    }
    let last = folder.latestCheckpoint().checkpoint?.path ?? "none was written yet"
    return RunFailure(
      .notFinite,
      "\(what) is \(value.isNaN ? "not a number" : "infinite") at step \(step); the run has stopped. "
        + "The files of the step are in \(path), the last good checkpoint is \(last). Try a lower "
        + "optimizer.baseLearningRate, optimizer.clip=1, or precision=float32")
  }
}

/// What is kept of a step whose loss, gradient or weights were not finite.
private struct NotFiniteRecord: Encodable {
  let step: Int
  let what: String
  let value: String
  let learningRate: Double
  let files: [String]
}

/// Callbacks, whose failures are said once and cost nothing.
private final class Callbacks {
  private let callbacks: [any TrainingCallback]
  private let warn: (String) -> Void
  private var failed: Set<ObjectIdentifier> = []

  init(_ callbacks: [any TrainingCallback], warn: @escaping (String) -> Void) {
    self.callbacks = callbacks
    self.warn = warn
  }

  func each(_ call: (any TrainingCallback) throws -> Void) {
    for callback in callbacks {
      do {
        try call(callback)
      } catch {
        guard failed.insert(ObjectIdentifier(callback)).inserted else { continue }
        warn("\(error); training continues without what could not be written")
      }
    }
  }
}
