public import Datasets
import Foundation
import Imaging
public import Torch
import TorchNN
public import TorchOptim

/// The loop: batches in, steps taken, checkpoints written; it can be ended at any moment and gone
/// on with exactly.
///
/// Nothing random is kept between steps: masks, order and crops follow from the seed and the step.
/// So a checkpoint holds weights, moments and the number of steps, and a resumed run is the unbroken
/// one, bit for bit on a CPU with as many threads.
public final class Trainer {
  /// How long, how fast, how often.
  public struct Plan {
    /// Steps of the whole run.
    public var totalSteps: Int
    /// Steps of one pass over the data.
    public var stepsPerEpoch: Int
    /// The learning rate of a step, counted from 0.
    public var rate: (Int) -> Double
    /// Batches that one step adds up.
    public var accumulation: Int
    /// The gradient's greatest length; nil leaves it as it is.
    public var clip: Double?
    /// The type of matrix products; nil for float32.
    public var precision: DType?
    /// Steps between checkpoints.
    public var checkpointEvery: Int
    /// Checkpoints that are kept.
    public var keptCheckpoints: Int
    /// Ends this session, not the run, after so many steps of the run.
    public var stopAfter: Int?
    /// The run's seed.
    public var seed: UInt64

    /// Creates a plan.
    public init(
      totalSteps: Int, stepsPerEpoch: Int, rate: @escaping (Int) -> Double, accumulation: Int = 1,
      clip: Double? = nil, precision: DType? = nil, checkpointEvery: Int, keptCheckpoints: Int = 2,
      stopAfter: Int? = nil, seed: UInt64
    ) {
      self.totalSteps = totalSteps
      self.stepsPerEpoch = stepsPerEpoch
      self.rate = rate
      self.accumulation = accumulation
      self.clip = clip
      self.precision = precision
      self.checkpointEvery = checkpointEvery
      self.keptCheckpoints = keptCheckpoints
      self.stopAfter = stopAfter
      self.seed = seed
    }
  }

  /// Steps taken so far.
  public private(set) var step: Int

  private let task: any TrainingTask
  private let optimizer: any Optimizer
  private let average: ModelEMA?
  private let loader: BatchLoader
  private let imageCount: Int
  private let layout: UInt32?
  private let plan: Plan
  private let folder: RunFolder
  private let observers: [any TrainingObserver]
  private var savedStep: Int?
  /// The images of the step under way, or of the last one.
  private var files: [String] = []

  /// Puts a run together.
  ///
  /// - Parameters:
  ///   - average: The average of weights to keep, and to save in the weights' place.
  ///   - loader: Stands at batch `step · accumulation`.
  ///   - images: Number of images in the set.
  ///   - layout: The fingerprint of their layout.
  ///   - step: Steps taken before, in a resumed run.
  public init(
    _ task: any TrainingTask, optimizer: any Optimizer, average: ModelEMA? = nil,
    loader: BatchLoader, images: Int, layout: UInt32? = nil, plan: Plan, folder: RunFolder,
    startingAt step: Int = 0,
    observers: [any TrainingObserver]
  ) {
    self.task = task
    self.optimizer = optimizer
    self.average = average
    self.loader = loader
    imageCount = images
    self.layout = layout
    self.plan = plan
    self.folder = folder
    self.step = step
    self.observers = observers
    savedStep = step > 0 ? step : nil
  }

  /// Trains until the last step, a request to end, or a loss that is not finite.
  ///
  /// - Throws: ``Interruption`` after a signal, once a checkpoint is safe; ``RunFailure``.
  public func run() throws {
    let end = min(plan.totalSteps, plan.stopAfter ?? plan.totalSteps)
    while step < end {
      try endIfRequested()
      let report = try takeStep()
      for observer in observers { try observer.took(report) }
      if step % plan.checkpointEvery == 0 { try save() }
    }
    try save()
  }

  private func takeStep() throws -> StepReport {
    let start = ContinuousClock.now
    let waitedBefore = loader.waited
    task.store.clearGradients()
    files = []
    var losses = 0.0
    var images = 0
    for part in 0..<plan.accumulation {
      let batch = try loader.next()
      files += batch.names
      let loss = backward(batch, draw: step * plan.accumulation + part)
      guard loss.isFinite else { throw notFinite("the loss", loss) }
      losses += loss
      images += batch.count
    }
    let rate = plan.rate(step)
    var norm: Double?
    if let limit = plan.clip {
      let length = clipGradients(of: optimizer.groups, to: limit).item()
      guard length.isFinite else { throw notFinite("the gradient's length", length) }
      norm = length
    }
    optimizer.step(learningRate: rate)
    average?.update()
    step += 1
    return StepReport(
      step: step, totalSteps: plan.totalSteps,
      epochs: Double(step) / Double(plan.stepsPerEpoch),
      loss: losses / Double(plan.accumulation), rate: rate, gradientNorm: norm, images: images,
      seconds: seconds(since: start), waited: loader.waited - waitedBefore)
  }

  /// Adds a batch's gradient and gives its loss. Reading the loss waits for the device: that is
  /// what lets a bad one stop before the optimizer.
  private func backward(_ batch: Batch, draw: Int) -> Double {
    let images = batch.tensor(on: task.store.device)
    let loss = withAutocast(to: plan.precision, on: task.store.device) {
      task.loss(images, of: batch, draw: draw)
    }
    let value = loss.item()
    guard value.isFinite else { return value }
    (plan.accumulation == 1 ? loss : loss / Double(plan.accumulation)).backward()
    return value
  }

  private func save() throws {
    guard savedStep != step else { return }
    // A loss can be finite and its gradient not: such weights must not push out good ones.
    guard task.store.isFinite else { throw notFinite("a weight", .nan) }
    let checkpoint = folder.checkpoint(at: step)
    try checkpoint.write(
      task.description, weights: average?.weights ?? task.store.weights,
      training: (
        optimizer.state + trainedBesideAverage,
        Checkpoint.Progress(
          step: step, seed: plan.seed, images: imageCount,
          epochs: Double(step) / Double(plan.stepsPerEpoch), layout: layout)
      ))
    savedStep = step
    folder.discardReplaced()
    folder.keepCheckpoints(plan.keptCheckpoints)
    for observer in observers { try observer.saved(checkpoint, at: step) }
  }

  /// The weights that are trained, where their average takes their place in the checkpoint.
  private var trainedBesideAverage: [(name: String, tensor: Tensor)] {
    guard average != nil else { return [] }
    return task.store.weights.map { (Checkpoint.trainedPrefix + $0.name, $0.tensor) }
  }

  private func endIfRequested() throws {
    guard let signal = Interrupts.requested else { return }
    if step == 0, folder.holdsReplaced {
      throw Interruption(signal: signal, message: "stopped before the first step")
    }
    try save()
    throw Interruption(
      signal: signal,
      message: "stopped at step \(step) of \(plan.totalSteps); the checkpoint is safe in "
        + "\(folder.checkpoint(at: step).path). Go on with \(folder.resumingWords)")
  }

  /// Keeps what is needed to find out why, and the last state that was good.
  private func notFinite(_ what: String, _ value: Double) -> any Error {
    struct Record: Encodable {
      let step: Int
      let what: String
      let value: String
      let rate: Double
      let files: [String]
    }
    let path = "\(folder.path)/\(RunFolder.notFinitePrefix)\(step).json"
    do {
      try JSONFile.write(
        Record(
          step: step, what: what, value: "\(value)", rate: plan.rate(step),
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
      "\(what) is \(value.isNaN ? "not a number" : "infinite") at step \(step); the run has stopped. The files of the step are in "
        + "\(path), the last good checkpoint is \(last). Try a lower optimizer.baseRate, "
        + "optimizer.clip=1, or precision=float32")
  }
}

extension Batch {
  /// The pixels as a tensor `[B, C, H, W]` of normalised float32 over the batch's memory, moved where
  /// the device is another one. Bytes are moved as they are and normalised there, to the same numbers.
  public func tensor(on device: Device) -> Tensor {
    let shape = [count, channels, size.height, size.width]
    func wrapped(_ type: DType) -> Tensor {
      Tensor(wrapping: pixels, shape: shape, dtype: type, owner: storage).to(device)
    }
    switch output {
    case .floats: return wrapped(.float32)
    case .bytes:
      func each(_ values: [Float]) -> Tensor {
        Tensor(values).reshaped([1, channels, 1, 1]).to(device)
      }
      // Product and sum round one after the other, as they do on the loader's side.
      return wrapped(.uint8).to(.float32) * each(normalization.scale) + each(normalization.offset)
    }
  }
}

extension ParameterStore {
  /// Whether every weight is a finite number.
  var isFinite: Bool {
    withoutGradients { entries.allSatisfy { $0.tensor.isFinite().all().item() == 1 } }
  }
}

/// Seconds from a moment until now.
func seconds(since start: ContinuousClock.Instant) -> Double {
  (ContinuousClock.now - start) / .seconds(1)
}
