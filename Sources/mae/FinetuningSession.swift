import Datasets
import Evaluation
import Foundation
import MaskedAutoencoders
import Recipes
import Torch
import Training

/// One sitting of training a classifier, as the user sees it.
struct FinetuningSession {
  private let finetuning: Finetuning
  private let data: String
  private let validation: String?
  private let isFromScratch: Bool
  private let home: String?
  private let journal: RunJournal

  /// - Parameters:
  ///   - data: The set as the user named it.
  ///   - validation: The set to validate on, if the user named one.
  ///   - home: The encoder's run folder, which is told of the result too.
  init(
    _ run: Finetuning, data: String, validation: String?, isFromScratch: Bool, home: String?
  ) throws {
    finetuning = run
    self.data = data
    self.validation = validation
    self.isFromScratch = isFromScratch
    self.home = home
    let device = run.device
    journal = try RunJournal(
      run.folder, resumingAfter: run.startingStep, stepsPerEpoch: run.stepsPerEpoch,
      epochs: Double(run.totalSteps) / Double(run.stepsPerEpoch),
      everySteps: RunJournal.interval(run.recipe.monitor.everySteps, of: run.totalSteps),
      memory: { device.peakMemory ?? residentMemory() },
      terminal: .attached(to: 1),
      sink: say)
  }

  func run() throws {
    do {
      try introduce()
      // Before the first checkpoint, which can be evaluated.
      try RunResults.update(finetuning.folder.path) { $0.learned = finetuning.data.learned }
      var last: EvaluationResult?
      let watch = SessionWatch(finetuning.folder, startingAt: finetuning.startingStep)
      let broken = try watch.time {
        try finetuning.run(observers: [journal]) { evaluation, step in
          last = evaluation
          try note(evaluation, at: step)
        }
      }
      journal.finish()
      try conclude(seconds: watch.seconds(), broken, last)
    } catch {
      journal.finish()
      try? journal.note("\(error)")
      noteReturn(of: finetuning.folder)
      throw error
    }
  }

  private var protocolName: String {
    finetuning.recipe.protocolName(isFromScratch: isFromScratch)
  }

  /// What was found and what the recipe's values mean here, before time is spent.
  private func introduce() throws {
    let run = finetuning
    let recipe = run.recipe
    let model = run.description.model
    for skipped in run.skippedCheckpoints {
      try journal.say("note: a checkpoint is not whole and was passed over: \(skipped)")
    }
    for remark in run.remarks { try journal.say("note: \(remark)") }
    let share = Double(run.data.training.count) / Double(max(1, run.data.available))
    let part = share < 1 ? " (\(percent(share)) of those there are)" : ""
    try journal.say(
      "data      \(run.data.training.count) labelled images of \(data)\(part), "
        + "\(run.data.classes.count) classes; \(run.data.validation.count) images to validate on")
    try journal.say(
      "model     \(protocolName): \(model.height) × \(model.width) × \(model.channels), patch "
        + "\(model.patch); encoder \(model.encoder.words), \(recipe.head.pooling.rawValue); "
        + "\(millions(run.trainedCount)) of \(millions(run.parameterCount)) M parameters are trained"
    )
    try journal.say(
      "recipe    \(recipe.name): effective batch \(recipe.effectiveBatch()) "
        + "(\(recipe.batch.size) × \(recipe.batch.accumulation)), peak rate "
        + "\(Readable.scientific(recipe.peakRate())), \(run.totalSteps) steps, "
        + "\(Readable.fixed(epochs(run.totalSteps), 1)) epochs, \(recipe.precision.rawValue)")
    let left = max(0, run.lastStep - run.startingStep)
    let step = run.measuredStep()
    try journal.say(
      "machine   \(run.device), \(Engine.threads) threads, libtorch \(Engine.version): "
        + "a step takes about \(Readable.fixed(step, 2)) s, so "
        + "\(Readable.duration(step * Double(left))) for \(left) steps")
    try journal.say("folder    \(run.folder.path)")
    if run.startingStep > 0 {
      try journal.say("resuming at step \(run.startingStep) of \(run.totalSteps)")
    }
  }

  private func note(_ evaluation: EvaluationResult, at step: Int) throws {
    try journal.record(
      step: step, epoch: epochs(step),
      values: [
        ("validation_top1", evaluation.tally.top1), ("validation_top5", evaluation.tally.top5),
        ("calibration_error", evaluation.calibration.expectedError),
      ])
    guard step < finetuning.totalSteps else { return }
    try journal.say(
      "validated step \(step), epoch \(Readable.fixed(epochs(step), 1)): top-1 "
        + percent(evaluation.tally.top1))
  }

  private func conclude(
    seconds: Double, _ broken: [BrokenImage], _ evaluation: EvaluationResult?
  ) throws {
    for file in broken.prefix(5) { try journal.say("skipped   \(file)") }
    if broken.count > 5 { try journal.say("skipped   … \(broken.count) files in all") }
    let run = finetuning
    guard let evaluation, run.finishedStep == run.totalSteps else {
      try journal.say(
        "stopped at step \(run.finishedStep) of \(run.totalSteps) as asked; go on with "
          + run.folder.resumingWords)
      return
    }
    let out = run.folder.path
    var result = run.result(
      evaluation, data: data, isFromScratch: isFromScratch, seconds: seconds)
    result.compare(withPaperAs: FinetuningBook.isEntry(run.recipe))
    try RunResults.update(out) { $0.ownClassifier = result }
    try RunPage.write(for: out)
    let top5 = result.classes > 5 ? ", top-5 \(percent(result.top5))" : ""
    try journal.say(
      "\(protocolName): top-1 \(percent(result.top1))\(top5) of \(result.testImages) images, learned "
        + "from \(result.trainingImages) in \(Readable.duration(seconds)); calibration error "
        + percent(result.calibrationError))
    try journal.say("Next: mae evaluate \(out) \(validation ?? data), mae predict \(out) IMAGES")
    if let home { try tell(home, note: journal.say) { $0.trained[out] = result } }
  }

  private func epochs(_ steps: Int) -> Double { Double(steps) / Double(finetuning.stepsPerEpoch) }
  private func percent(_ share: Double) -> String { "\(Readable.fixed(share * 100, 2)) %" }
  private func millions(_ count: Int) -> String { Readable.fixed(Double(count) / 1e6, 2) }
}
