import Datasets
import Imaging
import MaskedAutoencoders
import Torch

/// Draws the same images with the same masks now and then, to watch a model learn.
public final class RunPictures: TrainingObserver {
  private let run: Pretraining
  private let journal: RunJournal
  private let every: Int?
  private let indices: [Int]
  private var drawnAt: Int?

  /// Watches a run; the journal gets the pictures too.
  public init(_ run: Pretraining, journal: RunJournal) {
    self.run = run
    self.journal = journal
    let isDrawable = run.recipe.model.target.isDrawable
    every =
      isDrawable
      ? run.recipe.monitor.reconstructionsEveryEpochs.map { $0 * run.stepsPerEpoch } : nil
    let count = min(run.recipe.monitor.images, run.dataset.count)
    // Evenly over the set, whose neighbours are often alike; files that do not decode are left out.
    indices = (0..<count).map { $0 * run.dataset.count / max(1, count) }.filter {
      (try? run.dataset.image(at: $0, channels: run.recipe.model.channels)) != nil
    }
  }

  public func took(_ step: StepReport) throws {
    if let every, every > 0, step.step % every == 0 || step.step == step.totalSteps {
      try draw(at: step.step, epoch: step.epochs)
    }
  }

  public func saved(_ checkpoint: Checkpoint, at step: Int) throws {}

  private func draw(at step: Int, epoch: Double) throws {
    guard !indices.isEmpty, drawnAt != step else { return }
    drawnAt = step
    let sheet = try run.reconstruction().sheet(
      of: run.dataset, indices, ratios: [run.recipe.masking.ratio], seed: run.recipe.seed,
      title: "\(run.recipe.name), epoch \(Readable.fixed(epoch, 1))")
    let png = try sheet.encodedAsPNG()
    try makeFolder(run.folder.picturesPath)
    try replaceFile(at: "\(run.folder.picturesPath)/step-\(step).png") { (file) throws(FileError) in
      try file.write(png)
    }
    try journal.add(picture: png, epoch: epoch)
  }
}
