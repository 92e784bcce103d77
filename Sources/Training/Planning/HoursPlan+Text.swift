import FileSystem
import Foundation
import Imaging
import MaskedAutoencoders
import Recipes

extension HoursPlan {
  /// What was chosen, as a recipe file with its reasons: what it does not say has the value that
  /// `mae recipes show default` has.
  package var lines: [String] {
    let (recipe, model) = (recipe, rung.model)
    func line(_ text: String, _ reason: String) -> String {
      text.padding(toLength: max(text.count + 2, 62), withPad: " ", startingAt: 0) + "# " + reason
    }
    func shape(_ shape: TransformerShape) -> String {
      "{width: \(shape.width), depth: \(shape.depth), heads: \(shape.heads)}"
    }
    let size = "\(model.height) × \(model.width)"
    return [
      "base: default",
      "name: hours",
      "model:",
      line(
        "  height: \(model.height)",
        set.isSmall
          ? "the images' own size"
          : model.height < set.side
            ? "the most that pays in this time; the images have \(set.side)"
            : "no more than the images have"),
      "  width: \(model.width)",
      line("  channels: \(model.channels)", set.isGray ? "all are gray" : "they have colour"),
      line("  patch: \(model.patch)", "\(model.grid.rows) × \(model.grid.columns) patches"),
      line(
        "  encoder: \(shape(model.encoder))",
        rung.wantedViews == 0
          ? "the smallest: larger ones want more than this time shows"
          : "\(rung.name), which wants \(Self.count(rung.wantedViews)) images, each as often as it is shown"
      ),
      "  decoder: \(model.decoder.map(shape) ?? "null")",
      line(
        "batch: {size: \(batch)}",
        "\(steps) steps of it; \(Self.count(1 / secondsPerImage)) images/s at \(size)"),
      "schedule:",
      line("  epochs: \(recipe.schedule.epochs)", "rounded up; steps count"),
      line(
        "  steps: \(steps)", "looked at again while it runs, so that it ends in time"),
      line("  warmupEpochs: \(recipe.schedule.warmupEpochs)", "a tenth"),
      line(
        "optimizer: {baseLearningRate: \(recipe.optimizer.baseLearningRate)}",
        "peak \(Formatted.scientific(recipe.peakLearningRate)) for this batch"),
      "data: {crop: \(recipe.data.crop.rawValue), normalization: "
        + (recipe.data.normalization == .computed ? "computed" : "imagenet")
        + (recipe.data.cache == .auto ? ", cache: auto" : "") + "}",
    ]
  }

  /// The plan in a line, to compare plans by.
  package var summary: String {
    "\(rung.name) at \(rung.model.height) × \(rung.model.width), batch \(batch), \(steps) steps, "
      + "\(Formatted.fixed(epochs, epochs < 10 ? 1 : 0)) epochs"
  }

  private static func count(_ value: Double) -> String {
    value >= 1e6
      ? "\(Formatted.fixed(value / 1e6, value < 1e7 ? 1 : 0)) million" : Formatted.fixed(value, 0)
  }
}
