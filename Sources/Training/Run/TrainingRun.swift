public import DataParallel
public import Datasets
public import FileSystem
import Foundation
import Inference
package import Recipes
public import Runs
public import Torch
import TorchNN
package import TorchOptim

/// One run of training of any kind, from a recipe and its inputs to a run folder.
///
/// The initializer's acts, in order: look at the folder, let the task open data and make the model,
/// count steps, build the optimizer, open the folder, take up a checkpoint, write down what the run
/// is. ``run(callbacks:shouldStop:warn:)`` trains.
///
/// Of several processes the first alone looks at the folder, completes the recipe and writes; the
/// others are given its recipe, weights and moments.
public final class TrainingRun<Task: TrainingTask> {
  /// What neither a recipe nor the inputs say: where to, on what, how far this time.
  public struct Settings {
    /// The run folder.
    public var out: String
    /// What to do with a folder that has something in it.
    public var opening: RunFolder.Opening
    /// Where tensors live.
    public var device: Device
    /// Ends this session, not the run, after so many steps of the run.
    public var stopAfter: Int?
    /// The processes that train together.
    public var group: DataParallelGroup
    /// When the run's last step is to be taken, see ``RunDeadline``; nil for the length that its
    /// recipe says. For one process.
    public var deadline: ContinuousClock.Instant?
    /// Whether steps are captured as a graph and replayed where the device and the task can.
    public var capturesSteps: Bool

    /// Creates settings.
    public init(
      out: String, opening: RunFolder.Opening = .new, device: Device = .cpu, stopAfter: Int? = nil,
      group: DataParallelGroup = .single, deadline: ContinuousClock.Instant? = nil,
      capturesSteps: Bool = false
    ) {
      self.out = out
      self.opening = opening
      self.device = device
      self.stopAfter = stopAfter
      self.group = group
      self.deadline = deadline
      self.capturesSteps = capturesSteps
    }
  }

  /// What is trained.
  public let task: Task
  /// The run's folder; nil on all processes but the first.
  private let opened: RunFolder?
  /// What was measured where the recipe leaves the precision to the machine; nil where it does not,
  /// and on all processes but the first.
  let precisionChoice: PrecisionChoice?
  /// Steps of one pass over the data.
  public let stepsPerEpoch: Int
  /// Steps of the whole run.
  public private(set) var totalSteps: Int
  /// Steps taken before this session.
  public let startingStep: Int
  /// Checkpoints that are not whole and were passed over.
  public let skippedCheckpoints: [FileError]
  /// Steps taken when ``run(callbacks:shouldStop:warn:)`` has returned.
  public private(set) var finishedStep: Int

  private let settings: Settings
  private let optimizer: any Optimizer
  private let ema: ModelEMA?

  /// Opens data, models and folder; nothing is trained yet.
  ///
  /// A resumed run takes up its newest whole checkpoint; where there is none it starts anew.
  ///
  /// - Parameter recipe: The first process's is what counts.
  /// - Throws: `DatasetError`, `FileError`, `RecipeErrors`, ``/Runs/RunFailure`` or `RankFailure`
  ///   with what is wrong.
  public init(_ recipe: Task.Recipe, _ inputs: Task.Inputs, _ settings: Settings) throws {
    self.settings = settings
    let group = settings.group
    if group.isFirst {
      try RunFolder.requireSameKind(at: settings.out, settings.opening, as: inputs.kind)
      try RunFolder.requireApart(
        settings.out, settings.opening, models: inputs.models, images: inputs.images)
    }
    var choice: PrecisionChoice?
    task = try group.task(recipe, inputs, settings) { task in
      choice = task.choosePrecision(for: inputs.kind.name)
    }
    precisionChoice = choice
    stepsPerEpoch = task.data.stepsPerEpoch(task.recipe)
    totalSteps = task.recipe.totalSteps(stepsPerEpoch: stepsPerEpoch)
    optimizer = task.recipe.optimizer.optimizer(over: task.parameterGroups)
    let store = task.store
    ema = task.recipe.ema.map { ModelEMA(of: store, decay: $0) }
    opened = group.isFirst ? try RunFolder(settings.out, settings.opening) : nil
    let (checkpoint, skipped) = opened?.latestCheckpoint() ?? (nil, [])
    skippedCheckpoints = skipped
    let restored =
      settings.opening == .resume
      ? try checkpoint.map { [optimizer, ema, task] in
        try $0.restore(
          store, optimizer, average: ema, as: task.description, images: task.data.dataset.count,
          layout: task.data.layout(task.recipe), seed: task.recipe.seed)
      } ?? 0 : 0
    if group.isFirst, restored == 0 { try task.prepareToStart() }
    startingStep = try group.handOut(store, optimizer, ema, step: restored)
    finishedStep = startingStep
    guard let opened else { return }
    try requireDiskSpace(in: opened)
    try describe(inputs.kind, in: opened)
  }

  /// The run's folder.
  ///
  /// - Precondition: This is the first process of those that train together.
  public var folder: RunFolder {
    guard let opened else { preconditionFailure("the first rank alone has the run's folder") }
    return opened
  }

  /// The processes that train together.
  public var group: DataParallelGroup { settings.group }

  /// Bytes of one checkpoint: the weights, the optimizer's state, and what is trained beside a
  /// moving average.
  private var checkpointBytes: Int {
    let weights = Checkpoint.bytes(of: task.store.weights)
    // An optimizer makes its state at its first step: at most two numbers for each that is trained.
    let state = max(Checkpoint.bytes(of: optimizer.state), 8 * task.store.trainableCount)
    return weights * (ema == nil ? 1 : 2) + state
  }

  /// Checkpoints that are on the disk at once: those that are kept and the one that is being
  /// written, less those that are there already.
  private var checkpointsToCome: Int {
    let there = RunFolder.checkpointSteps(in: folder.path).count
    return max(1, task.recipe.checkpoints.keep + 1 - there)
  }

  /// Refuses a disk that has no room for a single checkpoint, before time is spent.
  private func requireDiskSpace(in folder: RunFolder) throws(RunFailure) {
    guard let free = freeDiskSpace(at: folder.path), free < checkpointBytes else { return }
    throw RunFailure(
      .inputOutput,
      "\(folder.path) has \(Formatted.bytes(free)) of room left, and a checkpoint of this run takes "
        + "\(Formatted.bytes(checkpointBytes)); name a folder on another disk with --out")
  }

  /// Says that the disk has no room for all checkpoints that are kept; nil where it has.
  private var diskWarning: String? {
    let needed = checkpointBytes * checkpointsToCome
    guard let free = freeDiskSpace(at: folder.path), free < needed else { return nil }
    return
      "\(folder.path) has \(Formatted.bytes(free)) of room left, and \(checkpointsToCome) checkpoints "
      + "of \(Formatted.bytes(checkpointBytes)) are to come (checkpoints.keep and the one that is "
      + "being written); make room, or lower checkpoints.keep"
  }

  /// Writes down what the run is: `recipe.yaml`, `model.json`, `run.json`.
  private func describe(_ kind: RunKind, in folder: RunFolder) throws {
    try write(task.recipe, of: kind, in: folder)
    try JSONFile.write(task.description, to: folder.path + "/model.json")
    try kind.write(to: folder.path)
  }

  private func write(
    _ recipe: Task.Recipe, of kind: RunKind, in folder: RunFolder
  ) throws(FileError) {
    let header = ["The complete recipe of this run; \(kind.command) --recipe takes it as it is."]
    try replaceFile(at: folder.recipePath) { (file) throws(FileError) in
      try file.write(recipe.yaml(header: header))
    }
  }

  /// What was noticed and does not keep the run from starting, each as a sentence.
  public var warnings: [String] {
    let recipe = task.recipe
    var found = [folder.warningAtStart(settings.opening, at: startingStep)].compactMap(\.self)
    found += [diskWarning].compactMap(\.self) + task.warnings
    let count = task.data.dataset.count
    if count < recipe.effectiveBatch {
      found.append(
        "a step takes \(recipe.effectiveBatch) images and there are \(count): each is seen more than "
          + "once a step; consider a smaller batch.size")
    }
    if recipe.optimizer.minimumLearningRate > recipe.peakLearningRate {
      found.append(
        "optimizer.minimumLearningRate is above the peak, so the learning rate rises to the end; "
          + "consider optimizer.minimumLearningRate=0")
    }
    return found
  }

  /// The step that this session ends at.
  public var lastStep: Int { min(totalSteps, settings.stopAfter ?? totalSteps) }
  /// Where tensors live.
  public var device: Device { settings.device }
  /// Passes over the data that so many steps are.
  public func epochs(_ steps: Int) -> Double { Double(steps) / Double(stepsPerEpoch) }

  /// Trains to the end, or until it is asked to stop.
  ///
  /// - Parameters:
  ///   - shouldStop: Asked before each step; a checkpoint is written before the run ends.
  ///   - warn: Told, once, that a callback has failed.
  /// - Returns: Images that could not be decoded, of all processes.
  /// - Throws: ``/Runs/Interruption`` when it was asked to stop, ``/Runs/RunFailure``,
  ///   `DatasetError`, `FileError`.
  public func run(
    callbacks: [any TrainingCallback] = [], shouldStop: @escaping () -> Bool = { false },
    warn: @escaping (String) -> Void = { _ in }
  ) throws -> [UndecodableImage] {
    let recipe = task.recipe
    let source = task.batches(
      startingAt: startingStep * recipe.batch.accumulation, rank: group.dataRank)
    defer { source.stop() }
    var plan = Trainer<Task>.Plan(
      totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch,
      learningRate: recipe.learningRates(stepsPerEpoch: stepsPerEpoch).learningRate(at:),
      checkpointEvery: recipe.checkpoints.steps(stepsPerEpoch), seed: recipe.seed,
      images: task.data.dataset.count)
    plan.layout = task.data.layout(recipe)
    plan.accumulation = recipe.batch.accumulation
    plan.clip = recipe.optimizer.clip
    plan.precision = recipe.precision.type
    plan.keptCheckpoints = recipe.checkpoints.keep
    plan.stopAfter = settings.stopAfter
    plan.capturesSteps = settings.capturesSteps
    plan.shouldStop = shouldStop
    plan.wire = recipe.batch.reduction
    plan.brokenLimit = UndecodableImages.limit(
      fraction: recipe.data.brokenLimit, count: task.data.dataset.count)
    if let deadline = settings.deadline, group.isSingle {
      plan.revised = revisions(by: deadline, warn)
    }
    let trainer = try Trainer(
      task, optimizer: optimizer, ema: ema, source: source, plan: plan, folder: opened,
      group: group, startingAt: startingStep, callbacks: callbacks, warn: warn)
    defer { finishedStep = trainer.step }
    try trainer.run()
    return try group.gathered(source.undecodable)
  }

  /// Says after each step whether the run is to have another length, and keeps that in its recipe.
  private func revisions(
    by end: ContinuousClock.Instant, _ say: @escaping (String) -> Void
  ) -> (Int) -> (totalSteps: Int, learningRate: (Int) -> Double)? {
    let start = ContinuousClock.now
    var recipe = task.recipe
    let share =
      recipe.schedule.warmupEpochs * Double(stepsPerEpoch) / Double(max(1, totalSteps))
    var deadline = RunDeadline(seconds: -seconds(since: end), warmupShare: share)
    return { [self] step in
      let elapsed = seconds(since: start)
      guard let steps = deadline.steps(after: step, of: totalSteps, elapsed: elapsed) else {
        return nil
      }
      recipe.schedule.steps = steps
      recipe.schedule.epochs = max(1, Int(epochs(steps).rounded(.up)))
      let warmup = recipe.schedule.warmupEpochs
      if Double(step) < warmup * Double(stepsPerEpoch) {
        // So slow a machine that the warm-up would take too much of the run.
        recipe.schedule.warmupEpochs = (min(warmup, share * epochs(steps)) * 1000).rounded() / 1000
      }
      do {
        if let kind = try RunKind.read(folder.path) { try write(recipe, of: kind, in: folder) }
      } catch {
        say("\(error); the run keeps its length")
        return nil
      }
      say(
        "a step takes \(Formatted.fixed(elapsed / Double(step), 3)) s: \(steps) steps instead of "
          + "\(totalSteps) end in time")
      totalSteps = steps
      let rates = recipe.learningRates(stepsPerEpoch: stepsPerEpoch)
      return (steps, rates.learningRate(at:))
    }
  }

  /// How well the model does on the validation images as it is now, by its moving average where it
  /// has one.
  public func validate() throws -> [Metric] {
    group.note(step: finishedStep, .validating)
    return try ema?.withAveragedWeights { try task.validate(over: group) }
      ?? task.validate(over: group)
  }

  /// Seconds that one step takes, roughly: measured on blank images, a few where a whole batch
  /// would take long. Nothing is changed by it.
  public func measuredStep() -> Double {
    let (whole, precision) = (task.recipe.batch.size, task.recipe.precision)
    let few = min(whole, 8)
    _ = task.secondsOfPass(images: few, in: precision)  // warms up
    let estimate =
      task.secondsOfPass(images: few, in: precision) * Double(whole) / Double(few)
    let pass =
      estimate < 2 && few < whole
      ? task.secondsOfPass(images: whole, in: precision) : estimate
    return pass * Double(task.recipe.batch.accumulation)
  }
}

extension TrainingData {
  /// Steps of one pass over the data.
  func stepsPerEpoch(_ recipe: some TrainingRecipe) -> Int {
    recipe.data.sampling(recipe.batch)
      .stepsPerEpoch(images: dataset.count, batch: recipe.batch.size)
  }

  /// Tells sets apart that have as many images and are gone through differently.
  func layout(_ recipe: some TrainingRecipe) -> UInt32? {
    dataset.layout.fingerprint(for: recipe.data.sampling(recipe.batch))
  }
}

extension OptimizerRecipe {
  /// The optimizer that the recipe names, over what is trained.
  package func optimizer(over groups: [ParameterGroup]) -> any Optimizer {
    kind.makeOptimizer(
      groups, beta1: beta1, beta2: beta2, epsilon: epsilon, momentum: momentum)
  }
}
