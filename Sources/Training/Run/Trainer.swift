public import DataParallel
import Datasets
import FileSystem
import Foundation
import Inference
import Recipes
public import Runs
public import Torch
import TorchNN
public import TorchOptim

/// The loop: batches in, steps taken, checkpoints written. It can be ended between any two steps
/// and resumed exactly.
///
/// Nothing random is kept between steps: masks, order and crops follow from the seed and the step.
/// So a checkpoint holds weights, moments and the number of steps, and a resumed run equals the
/// unbroken one, bit for bit on a CPU with as many threads.
///
/// Several processes train one model as one process does: each computes its rows of every batch,
/// gradients are averaged while they are computed, and what decides a step (a loss that is not
/// finite, a request to stop) is agreed on once a step.
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
    /// The type in which gradients travel between processes.
    public var wire = GradientReducer.Wire.float32
    /// The most images of all processes that may be broken.
    public var brokenLimit = Int.max
    /// Whether the passes of a step are captured as a graph where the device and the task can, and
    /// replayed.
    public var capturesSteps = false
    /// Asked after each step for another length of the run, and the learning rates that go with it;
    /// for one process.
    var revised: ((_ step: Int) -> (totalSteps: Int, learningRate: (Int) -> Double)?)?

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
  private var plan: Plan
  private let folder: RunFolder?
  private let group: DataParallelGroup
  /// Averages the gradients of all processes; nil for one alone.
  private let reducer: GradientReducer?
  private let callbacks: Callbacks
  /// Replays the passes of a step; nil where they are computed each time.
  private let capture: StepCapture?
  /// Whether all processes have agreed to stop after this step.
  private var agreedToStop = false
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
  ///   - folder: Where checkpoints are written; nil on all ranks but the first.
  ///   - group: The processes that train together, whose weights are the same.
  ///   - step: Steps taken before, in a resumed run.
  ///   - warn: Told, once, that a callback has failed.
  /// - Throws: `RankFailure` where the processes' models differ.
  public init(
    _ task: Task, optimizer: any Optimizer, ema: ModelEMA? = nil, source: Task.Source,
    plan: Plan, folder: RunFolder?, group: DataParallelGroup = .single,
    startingAt step: Int = 0,
    callbacks: [any TrainingCallback] = [], warn: @escaping (String) -> Void = { _ in }
  ) throws(RankFailure) {
    let trained = task.store.entries.filter(\.isTrainable).map { ($0.name, $0.tensor) }
    reducer = try group.processes.map { processes throws(RankFailure) in
      try group.explained { () throws(TorchError) in
        try GradientReducer(trained, over: processes, wire: plan.wire)
      }
    }
    self.group = group
    self.task = task
    self.optimizer = optimizer
    self.ema = ema
    self.source = source
    self.plan = plan
    self.folder = folder
    self.step = step
    self.callbacks = Callbacks(callbacks, warn: warn)
    capture =
      plan.capturesSteps && group.isSingle && plan.accumulation == 1
      ? StepCapture(task.store, warn: warn) : nil
    savedStep = step > 0 ? step : nil
  }

  /// The step that this session ends at.
  private var end: Int { min(plan.totalSteps, plan.stopAfter ?? plan.totalSteps) }

  /// Trains until the last step, a request to stop, or a loss that is not finite.
  ///
  /// - Throws: ``/Runs/Interruption`` after a request to stop, once a checkpoint is safe;
  ///   ``/Runs/RunFailure``.
  public func run() throws {
    while step < end {
      try stopIfAsked()
      let report = try takeStep()
      try callbacks.each { try $0.stepTaken(report) }
      if let revised = plan.revised?(step) {
        (plan.totalSteps, plan.learningRate) = (revised.totalSteps, revised.learningRate)
      }
      if step % plan.checkpointEvery == 0 { try save() }
    }
    try save()
  }

  private func takeStep() throws -> StepReport {
    let start = ContinuousClock.now
    let waitedBefore = source.waited
    let bytesBefore = source.bytesRead
    task.store.clearGradients()
    files = []
    var losses: [Tensor] = []
    var norm: Tensor?
    var images = 0
    for part in 0..<plan.accumulation {
      group.note(step: step, .reading)
      let (batch, pixels) = try nextBatch()
      group.note(step: step, .computing)
      files += batch.names
      images += batch.count
      if part == plan.accumulation - 1 { try averageNextPass() }
      let draw = step * plan.accumulation + part
      if let replayed = replayed(pixels, of: batch, draw: draw) {
        losses.append(replayed.loss)
        norm = replayed.norm
      } else {
        losses.append(try addGradient(pixels, of: batch, draw: draw))
      }
    }
    let length = norm ?? clippedGradientNorm()
    prefetch()
    let named = task.takeLossParts()
    let (loss, gradientNorm, values) = try requireFinite(losses, length, named.map(\.error))
    let rate = plan.learningRate(step)
    optimizer.step(learningRate: rate)
    task.weightsUpdated(at: step)
    ema?.update()
    step += 1
    return StepReport(
      step: step, totalSteps: plan.totalSteps,
      epochs: Double(step) / Double(plan.stepsPerEpoch), loss: loss, learningRate: rate,
      gradientNorm: gradientNorm, parts: zip(named, values).map { ($0.name, $1) },
      images: images * group.count, seconds: seconds(since: start),
      waited: source.waited - waitedBefore,
      bytes: (source.bytesRead - bytesBefore) * group.count)
  }

  /// Adds a batch's gradient and gives its loss, which is not waited for.
  private func addGradient(
    _ images: Tensor, of batch: Task.Source.Batch, draw: Int
  ) throws -> Tensor {
    guard let processes = group.processes else {
      return gradientAdded(images, of: batch, draw: draw)
    }
    do {
      return try withTorchErrors {
        SharedBatch.among(processes) { gradientAdded(images, of: batch, draw: draw) }
      }
    } catch {
      throw group.cause(of: error)
    }
  }

  private func gradientAdded(
    _ images: Tensor, of batch: Task.Source.Batch, draw: Int
  ) -> Tensor {
    withGradientAdded { task.loss(images, of: batch, draw: draw) }
  }

  private func withGradientAdded(_ compute: () -> Tensor) -> Tensor {
    let loss = withAutocast(to: plan.precision, on: task.store.device, compute)
    (plan.accumulation == 1 ? loss : loss / Double(plan.accumulation)).backward()
    return loss.detached()
  }

  /// Loss and gradient norm of a batch by a captured step; nil where there is none.
  private func replayed(
    _ images: Tensor, of batch: Task.Source.Batch, draw: Int
  ) -> (loss: Tensor, norm: Tensor)? {
    guard let capture, let drawn = task.drawn(for: batch, draw: draw) else { return nil }
    let results = capture.run([images] + drawn) { [self] inputs in
      let loss = withGradientAdded { task.loss(inputs[0], drawn: Array(inputs.dropFirst())) }
      return [loss, clippedGradientNorm()]
    }
    return results.map { ($0[0], $0[1]) }
  }

  /// The gradients of a step's earlier passes add up where they are; those of the last one are
  /// averaged, with what has added up, while it is computed.
  private func averageNextPass() throws(RankFailure) {
    guard let reducer else { return }
    try group.explained { () throws(TorchError) in try reducer.averageNextPass() }
  }

  private func clippedGradientNorm() -> Tensor {
    guard let limit = plan.clip else { return gradientNorm(of: optimizer.groups) }
    return clipGradients(of: optimizer.groups, to: limit)
  }

  /// Mean loss and gradient norm, both finite. Reading them is the one wait for the device of a
  /// step, before the optimizer: what is not finite never reaches the weights.
  private func requireFinite(
    _ losses: [Tensor], _ norm: Tensor, _ parts: [Tensor]
  ) throws -> (loss: Double, norm: Double, parts: [Double]) {
    let values = stacked((losses + [norm] + parts).map { $0.to(.float32).reshaped([]) }).floats()
      .map(Double.init)
    let own = Array(values[..<losses.count])
    let length = values[losses.count]
    let losses = try agree(on: own)
    for loss in losses where !loss.isFinite { throw notFinite("the loss", loss, own) }
    guard length.isFinite else { throw notFinite("the gradient's length", length, own) }
    return (
      losses.reduce(0, +) / Double(plan.accumulation), length, Array(values[(losses.count + 1)...])
    )
  }

  /// What all processes know of a step: the mean losses of its passes, and whether one of them was
  /// asked to stop. The sum over the ranks is where they agree.
  private func agree(on losses: [Double]) throws -> [Double] {
    guard !group.isSingle else { return losses }
    let sums = try group.sum(
      losses + [plan.shouldStop() ? 1 : 0, Double(source.undecodable.count)])
    agreedToStop = sums[losses.count] > 0
    let broken = Int(sums[losses.count + 1])
    if broken > plan.brokenLimit {
      throw RunFailure(
        .badData,
        "\(broken) images could not be decoded, more than data.brokenLimit of the recipe allows "
          + "(\(plan.brokenLimit)); the ranks have named them")
    }
    return sums.prefix(losses.count).map { $0 / Double(group.count) }
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
    guard task.store.device.isAsynchronous, step + 1 < end else { return }
    upcoming = Result { try fetch() }
  }

  // MARK: Checkpoints

  private func save() throws {
    guard savedStep != step else { return }
    // A gradient can be finite and its weight not: such weights must not push out good ones.
    guard task.store.isFinite else { throw notFinite("a weight", .nan, []) }
    try group.requireEqual(task.store.weights.map(\.tensor), "weights", at: step)
    group.note(step: step, .writing)
    if let folder { try group.uninterrupted { try save(in: folder) } }
    savedStep = step
    // The others wait until it is safe, so that none ends before.
    try group.barrier()
    group.note(savedStep: step)
  }

  private func save(in folder: RunFolder) throws {
    let checkpoint = folder.checkpoint(at: step)
    try checkpoint.write(
      task.description, weights: ema?.weights ?? task.store.weights,
      training: (
        optimizer.state + trainedBesideAverage,
        Checkpoint.Progress(
          step: step, seed: plan.seed, images: plan.images,
          epochs: Double(step) / Double(plan.stepsPerEpoch), layout: plan.layout)
      ))
    folder.discardReplaced()
    folder.keepCheckpoints(plan.keptCheckpoints)
    try group.note(checkpoint: checkpoint.path)
    try callbacks.each { [step] in try $0.checkpointSaved(checkpoint, at: step) }
  }

  /// The weights that are trained, where their average takes their place in the checkpoint.
  private var trainedBesideAverage: [(name: String, tensor: Tensor)] {
    guard ema != nil else { return [] }
    return task.store.weights.map { (Checkpoint.trainedPrefix + $0.name, $0.tensor) }
  }

  private func stopIfAsked() throws {
    guard group.isSingle ? plan.shouldStop() : agreedToStop else { return }
    if step == 0, let folder, folder.holdsReplaced {
      throw Interruption(message: "stopped before the first step")
    }
    try save()
    guard let folder else { throw Interruption(message: "stopped at step \(step)") }
    throw Interruption(
      message: "stopped at step \(step) of \(plan.totalSteps); the checkpoint is safe in "
        + "\(folder.checkpoint(at: step).path). Resume with \(folder.resumeOptions)")
  }

  /// Keeps what is needed to find out why, and the last state that was good. All processes come
  /// here at the same step.
  ///
  /// - Parameter own: This process's losses of the step.
  private func notFinite(_ what: String, _ value: Double, _ own: [Double]) -> any Error {
    let isOwn = group.isSingle || own.contains { !$0.isFinite }
    guard let found = try? group.gather(isOwn ? files.joined(separator: "\n") : ""), let folder
    else {
      return RunFailure(
        .notFinite,
        "\(what) is \(value.isNaN ? "not a number" : "infinite") at step \(step); the run has stopped"
      )
    }
    let path = "\(folder.path)/\(RunFolder.notFinitePrefix)\(step).json"
    do {
      try JSONFile.write(
        NotFiniteRecord(
          step: step, what: what, value: "\(value)", learningRate: plan.learningRate(step),
          files: found.flatMap { $0.split(separator: "\n").map(String.init) },
          ranks: group.isSingle ? nil : found.indices.filter { !found[$0].isEmpty }),
        to: path)
      // A run that this one was to replace has more to show than this one.
      if group.isSingle, task.store.isFinite, !folder.holdsReplaced { try save() }
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
  /// The processes that met it; nil for one alone.
  let ranks: [Int]?
}
