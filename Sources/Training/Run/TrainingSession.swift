import DataParallel
import Datasets
import FileSystem
import Foundation
import Inference
import Recipes
import Reports
import Runs
import Torch
import TorchOptim

/// One session of a run as its user meets it: what was found, the live line, validation and
/// pictures on the way, what came of it. The same for every kind of training.
public struct TrainingSession<Task: TrainingTask> {
  private let run: TrainingRun<Task>
  private let logger: RunLogger
  private let warn: (String) -> Void
  private let logsTo: String?

  /// Opens the logs of a run.
  ///
  /// - Parameters:
  ///   - logs: Where numbers go besides; where an earlier session of the run has logged to they go as
  ///     well.
  ///   - terminal: What is printed on.
  ///   - print: Takes what is printed, line ends included.
  ///   - warn: Takes notes that are no part of the run's log.
  public init(
    _ run: TrainingRun<Task>, logs: [LogDestination] = [], terminal: Terminal,
    print: @escaping (String) -> Void, warn: @escaping (String) -> Void
  ) throws {
    self.run = run
    self.warn = warn
    let (device, store) = (run.device, run.task.store)
    logger = try RunLogger(
      run.folder, resumingAfter: run.startingStep, stepsPerEpoch: run.stepsPerEpoch,
      epochs: run.epochs(run.totalSteps),
      everySteps: RunLogger.interval(run.task.recipe.logEverySteps, of: run.totalSteps),
      logsGradientNorm: run.task.recipe.optimizer.clip != nil || run.task.recipe.logsNorms,
      parameterNorm: run.task.recipe.logsNorms ? { parameterNorm(of: store).item() } : nil,
      operations: run.task.operationsPerImage,
      productRate: {
        let type = run.task.recipe.precision == .bfloat16 ? DType.bfloat16 : .float32
        return Double(run.group.count) * ProductRate.measured(type, on: device)
      },
      memory: { device.peakMemory ?? residentMemory() }, terminal: terminal, sink: print)
    let others = RunLogs(logs, of: run)
    logger.others = others.opened
    logsTo = others.summary
    for problem in others.problems { logger.print("note: \(problem)") }
  }

  /// Introduces, trains, validates and concludes.
  ///
  /// - Parameter shouldStop: Asked before each step; a checkpoint is written before the session
  ///   ends.
  /// - Throws: What ``TrainingRun/run(callbacks:shouldStop:warn:)`` throws.
  public func run(shouldStop: @escaping () -> Bool) throws {
    do {
      introduce()
      try run.task.begin(in: run.folder)
      let timer = SessionTimer(run.folder, startingAt: run.startingStep)
      let undecodable = try timer.time { [logger] in
        let undecodable = try run.run(
          callbacks: callbacks, shouldStop: shouldStop,
          warn: { logger.print("note: \($0)") })
        if run.finishedStep == run.totalSteps { record(try run.validate(), at: run.totalSteps) }
        return undecodable
      }
      logger.finish()
      try conclude(seconds: timer.seconds(), undecodable)
      logger.end(
        run.finishedStep >= run.totalSteps ? .finished : .stopped, shouldStop: shouldStop)
    } catch {
      logger.finish()
      logger.note("\(error)")
      logger.end(error is Interruption ? .stopped : .failed, shouldStop: shouldStop)
      if run.folder.holdsReplaced {
        warn(
          "note: \(run.folder.path) keeps the run that it held; the new one had no checkpoint yet")
      }
      throw error
    }
  }

  private var callbacks: [any TrainingCallback] {
    let recipe = run.task.recipe
    let pictures = recipe.drawEveryEpochs.map { epochs in
      PictureCallback(run, every: epochs * run.stepsPerEpoch, logger: logger)
    }
    let validation = ValidationCallback(run) { step, metrics in
      record(metrics, at: step)
      guard let first = metrics.first else { return }
      let epoch = Formatted.fixed(run.epochs(step), 1)
      logger.print("validated step \(step), epoch \(epoch): \(first.name) \(first.text)")
    }
    return [logger] + [pictures].compactMap(\.self) + [validation].compactMap(\.self)
  }

  /// What was found and what the recipe's values mean here, before time is spent.
  private func introduce() {
    let recipe = run.task.recipe
    for skipped in run.skippedCheckpoints {
      logger.print("note: a checkpoint is not whole and was passed over: \(skipped)")
    }
    for warning in run.warnings { logger.print("note: \(warning)") }
    for line in run.task.summary { print(line.label, line.text) }
    print(
      "recipe",
      "\(recipe.name): effective batch \(recipe.effectiveBatch) "
        + "(\(recipe.batch.size) × \(recipe.batch.accumulation)), peak learning rate "
        + "\(Formatted.scientific(recipe.peakLearningRate)), \(run.totalSteps) steps, "
        + "\(Formatted.fixed(run.epochs(run.totalSteps), 1)) epochs, \(recipe.precision.rawValue)")
    if let choice = run.precisionChoice { print("precision", choice.line) }
    let left = max(0, run.lastStep - run.startingStep)
    let step = run.measuredStep()
    print(
      "machine",
      "\(run.device), \(Engine.threads) threads, libtorch \(Engine.version): "
        + "a step takes about \(Formatted.fixed(step, 2)) s, so "
        + "\(Formatted.duration(step * Double(left))) for \(left) steps")
    if let line = run.group.line(forBatch: recipe.batch.size, device: run.device) {
      print("ranks", line)
    }
    print("folder", run.folder.path)
    if let logsTo { print("logs", logsTo) }
    if run.startingStep > 0 {
      logger.print("resuming at step \(run.startingStep) of \(run.totalSteps)")
    }
    if left == 0 {
      logger.print(
        run.startingStep >= run.totalSteps
          ? "note: the run has taken all its steps; a longer one needs more schedule.epochs"
          : "note: the run is at step \(run.startingStep) already, past --stop-after")
    }
  }

  private func print(_ label: String, _ text: String) {
    logger.print(label.padding(toLength: 10, withPad: " ", startingAt: 0) + text)
  }

  private func record(_ metrics: [Metric], at step: Int) {
    guard !metrics.isEmpty else { return }
    logger.record(
      step: step, epoch: run.epochs(step),
      values: metrics.map { ("validation_" + $0.name, $0.value) })
  }

  private func conclude(seconds: Double, _ undecodable: [UndecodableImage]) throws {
    for file in undecodable.prefix(5) { print("skipped", "\(file)") }
    if undecodable.count > 5 { print("skipped", "… \(undecodable.count) files in all") }
    let outcome = RunOutcome(
      folder: run.folder, steps: run.finishedStep, totalSteps: run.totalSteps,
      epochs: run.epochs(run.finishedStep), loss: logger.lastLoss, seconds: seconds,
      undecodable: undecodable)
    let lines = try run.task.conclude(outcome)
    try RunPage.write(for: run.folder.path)
    guard outcome.isFinished else {
      logger.print(
        "stopped at step \(run.finishedStep) of \(run.totalSteps) as asked; resume with "
          + run.folder.resumeOptions)
      return
    }
    for line in lines { logger.print(line) }
  }
}

/// A session of a process that is not the first of its run: it trains and validates with the others
/// and says nothing.
public struct FollowingSession<Task: TrainingTask> {
  private let run: TrainingRun<Task>

  /// Prepares for a run that this process has its part in.
  public init(_ run: TrainingRun<Task>) { self.run = run }

  /// Trains and validates.
  ///
  /// - Parameter shouldStop: Asked in each step; all processes stop after the same one.
  /// - Throws: What ``TrainingRun/run(callbacks:shouldStop:warn:)`` throws.
  public func run(shouldStop: @escaping () -> Bool) throws {
    let validation = ValidationCallback(run) { _, _ in }
    _ = try run.run(callbacks: [validation].compactMap(\.self), shouldStop: shouldStop)
    if run.finishedStep == run.totalSteps { _ = try run.validate() }
  }
}

/// Takes the time of a session, whichever way it ends, and adds it to that of the run's earlier
/// ones.
struct SessionTimer {
  private let run: String
  private let startingStep: Int

  /// - Parameter startingStep: The step that the session begins at.
  init(_ folder: RunFolder, startingAt startingStep: Int) {
    run = folder.path
    self.startingStep = startingStep
  }

  /// Does the work of the session.
  func time<Result>(_ work: () throws -> Result) throws -> Result {
    let start = ContinuousClock.now
    func note() throws {
      _ = try RunResults.addSession(
        of: FileSystem.seconds(since: start), startingAt: startingStep, to: run)
    }
    do {
      let result = try work()
      try note()
      return result
    } catch {
      try? note()
      throw error
    }
  }

  /// Seconds of all sessions of the run so far.
  func seconds() throws -> Double { try RunResults.read(run).sessionSeconds ?? 0 }
}
