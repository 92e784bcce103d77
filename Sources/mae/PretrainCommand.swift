import ArgumentParser
import DataParallel
import Datasets
import Foundation
import Recipes
import Runs
import Torch
import Training

/// Masked pre-training on images without labels.
struct PretrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pretrain",
    abstract: "Pre-train a masked autoencoder on images; labels are not needed.",
    discussion: """
      Examples:
        mae pretrain photos/ --out runs/first
        mae pretrain photos/ --out runs/small --recipe small-images --set schedule.epochs=50
        mae pretrain photos/ --out runs/first --resume
        mae pretrain photos/ --out runs/first --hours 2
      Recipes: mae recipes list. Every field of one can be set by its path: mae recipes show NAME.
      --hours measures this machine and these images, and chooses a recipe that ends in that time.

      Ctrl-C writes a checkpoint and ends; --resume continues exactly where the run stood. Exit status:
      0 done, 65 bad data, 66 input missing, 69 no engine or device, 70 the loss is no longer finite, \
      73 output refused, 74 input or output failed, 78 recipe, 129, 130 or 143 after a signal.
      """)

  @Argument(help: dataHelp, completion: .directory)
  var data: String

  @Option(help: "The run folder: recipe, checkpoints, curves, pictures.")
  var out: String

  @Option(
    help: ArgumentHelp(
      "Choose model, image size, batch and length for a run of so many hours.", valueName: "hours"))
  var hours: Double?

  @Flag(help: "On a GPU: capture a step as a CUDA graph and replay it. Not tried on a GPU yet.")
  var graphs = false

  @OptionGroup var options: RunOptions

  func validate() throws {
    guard let hours else { return }
    if !(0.01...10_000).contains(hours) {
      throw ValidationError("--hours is \(hours); expected 0.01 to 10000")
    }
    if options.recipe != nil {
      throw ValidationError("--hours chooses the recipe; leave out --recipe, or --hours")
    }
    if options.resume {
      throw ValidationError(
        "--hours plans a new run; --resume without it goes on with one that was planned")
    }
  }

  func run() throws {
    let start = ContinuousClock.now
    let place = try Launch.from(environment: ProcessInfo.processInfo.environment)
    if hours != nil, let ranks = place?.ranks, ranks > 1 {
      throw ValidationError(
        "--hours plans for one process, and there are \(ranks); give them a recipe instead")
    }
    let path = try dataPath(data)
    try options.train(
      PretrainingTask.self, PretrainingInputs(data: path, named: data),
      from: RecipeBooks.pretraining, out: out,
      capturesSteps: graphs
    ) { recipe, device in
      guard let hours else {
        if options.recipe == nil, !options.resume {
          try StandardRun.requireTime(for: recipe, on: device, images: openDataset(at: path).count)
        }
        return (recipe, nil)
      }
      // What is wrong with the folder is said before time is spent.
      if options.opening == .new { _ = try RunFolder(out, .new) }
      let planned = try HoursRun(hours: hours, since: start, of: path, named: data, on: device)
      for line in planned.lines { say(line + "\n") }
      return (try planned.recipe.changed(settings: options.settings), planned.deadline)
    }
  }
}
