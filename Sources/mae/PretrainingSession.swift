import Datasets
import Foundation
import MaskedAutoencoders
import Torch
import Training

/// One sitting of pre-training, as the user sees it: what was found, the live line, what came of it.
struct PretrainingSession {
  private let pretraining: Pretraining
  private let data: String
  private let journal: RunJournal

  init(_ run: Pretraining, data: String) throws {
    pretraining = run
    self.data = data
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
      let watch = SessionWatch(pretraining.folder, startingAt: pretraining.startingStep)
      let broken = try watch.time {
        try pretraining.run(observers: [journal, RunPictures(pretraining, journal: journal)])
      }
      journal.finish()
      try conclude(seconds: watch.seconds(), broken)
    } catch {
      journal.finish()
      try? journal.note("\(error)")
      noteReturn(of: pretraining.folder)
      throw error
    }
  }

  /// What was found and what the recipe's values mean here, before time is spent.
  private func introduce() throws {
    let run = pretraining
    let recipe = run.recipe
    let model = recipe.model
    for skipped in run.skippedCheckpoints {
      try journal.say("note: a checkpoint is not whole and was passed over: \(skipped)")
    }
    for remark in run.remarks { try journal.say("note: \(remark)") }
    for note in run.dataset.notes { try journal.say("note: \(data): \(note)") }
    if let problem = run.dataset.labelProblem {
      try journal.say("note: classes are not used: \(problem)")
    }
    let classes = run.dataset.classes.map { ", \($0.count) classes (not used)" } ?? ""
    try journal.say("data      \(run.dataset.count) images of \(data)\(classes)")
    if let mixture = run.dataset as? MixtureDataset {
      for (number, source) in mixture.sources.enumerated() {
        try journal.say(
          "          \(Readable.fixed(100 * mixture.share(of: number), 1)) % from "
            + "\(source.name), \(source.dataset.count) images")
      }
    }
    try journal.say(
      "model     \(model.height) × \(model.width) × \(model.channels), patch \(model.patch): "
        + "\(recipe.masking.visible(of: model.grid.count)) of \(model.grid.count) patches visible; "
        + "encoder \(model.encoder.words), decoder \(model.decoder.words); "
        + "\(Readable.fixed(Double(run.parameterCount) / 1e6, 2)) M parameters")
    try journal.say(
      "recipe    \(recipe.name): effective batch \(run.effectiveBatch) "
        + "(\(recipe.batch.size) × \(recipe.batch.accumulation)), peak rate "
        + "\(Readable.scientific(recipe.peakRate())), \(run.totalSteps) steps, "
        + "\(Readable.fixed(Double(run.totalSteps) / Double(run.stepsPerEpoch), 1)) epochs, "
        + "\(recipe.precision.rawValue)")
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
    if left > 0, run.lastStep <= run.startingStep {
      try journal.say(
        "note: the run is at step \(run.startingStep) already, past --stop-after")
    }
  }

  private func conclude(seconds: Double, _ broken: [UndecodableImage]) throws {
    for file in broken.prefix(5) { try journal.say("skipped   \(file)") }
    if broken.count > 5 { try journal.say("skipped   … \(broken.count) files in all") }
    let run = pretraining
    try RunResults.update(run.folder.path) { results in
      results.pretraining = RunResults.Pretraining(
        steps: run.finishedStep, epochs: Double(run.finishedStep) / Double(run.stepsPerEpoch),
        images: run.dataset.count, loss: journal.lastLoss, seconds: seconds,
        parameters: run.parameterCount, brokenFiles: broken.map(\.name))
    }
    try RunPage.write(for: run.folder.path)
    if run.finishedStep < run.totalSteps {
      try journal.say(
        "stopped at step \(run.finishedStep) of \(run.totalSteps) as asked; go on with "
          + run.folder.resumingWords)
    } else {
      try journal.say(
        "done in \(Readable.duration(seconds)); look at \(run.folder.reportPath). Next: "
          + "mae reconstruct \(run.folder.path) \(data), mae knn \(run.folder.path) LABELLED")
    }
  }
}
