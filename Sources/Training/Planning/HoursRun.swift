import Datasets
import FileSystem
import MaskedAutoencoders
public import Recipes
import Runs
public import Torch

/// A run of pre-training that is chosen for a time: what this machine and these images allow.
public struct HoursRun: Sendable {
  /// The chosen recipe.
  public let recipe: PretrainingRecipe
  /// When its last step is to be taken.
  public let deadline: ContinuousClock.Instant
  /// What was measured and chosen and why, for the user.
  public let lines: [String]

  /// Measures for some hundredths of the time, and chooses.
  ///
  /// - Parameters:
  ///   - hours: From `start` to the end of the program.
  ///   - path: The images.
  ///   - name: What the user calls them.
  ///   - now: The time, asked when all has been measured.
  /// - Throws: `DatasetError`; `RunFailure` where nothing can be chosen for such images.
  public init(
    hours: Double, since start: ContinuousClock.Instant, of path: String, named name: String,
    on device: Device, now: () -> ContinuousClock.Instant = { .now }
  ) throws {
    let dataset = try openDataset(at: path)
    let facts = SetFacts(of: dataset)
    let seconds = hours * 3600
    let speed = try MeasuredSpeed.measured(
      dataset, at: path, facts, on: device, forRunOf: seconds)
    // The last checkpoint, the pictures and the report.
    let closing = min(max(0.03 * seconds, 3), 60)
    let left = seconds - closing - (now() - start) / .seconds(1)
    guard left > 0.2 * seconds else {
      throw RunFailure(
        .recipe,
        "--hours \(hours) is too short for \(name): to look at it and to measure took "
          + "\(Formatted.duration(seconds - left)) of it; give more hours")
    }
    let plan = HoursPlan(facts, speed, seconds: left)
    let more = HoursPlan(facts, speed, seconds: 4 * seconds - (seconds - left))
    recipe = plan.recipe
    deadline = start + .seconds(seconds - closing)
    let rungs = LadderRung.rungs(for: facts)
    let measured = speed.secondsPerImage.indices.map { index in
      "\(rungs[index].name) at \(rungs[index].model.height) × \(rungs[index].model.width) "
        + "\(Formatted.fixed(1 / speed.secondsPerImage[index], 0))/s"
    }
    let decoding = Formatted.fixed(1 / (speed.decodingPerImage.first ?? 1), 0)
    lines =
      [
        "measured  \(facts.images) images of \(name), of about \(facts.side) pixels: \(decoding)/s decoded; "
          + "steps on \(device): \(measured.joined(separator: ", "))",
        "planned   \(plan.summary), for \(Formatted.duration(left)) of training; the recipe:",
      ] + plan.lines.map { "  " + $0 }
      + ["4 × more  \(Self.shown(4 * hours)) h would be \(more.summary)"]
  }

  private static func shown(_ hours: Double) -> String {
    Formatted.fixed(hours, hours == hours.rounded() ? 0 : hours < 10 ? 1 : 0)
  }
}

/// The run of those who name no recipe.
public enum StandardRun {
  /// Seconds above which it is not begun unasked on a CPU.
  static let longest = 2.0 * 86_400

  /// Refuses to begin a run of weeks that nobody has chosen: on a CPU, by the operations of its steps
  /// and the speed of a matrix product.
  ///
  /// - Throws: `RunFailure` that proposes a run for a time.
  public static func requireTime(
    for recipe: PretrainingRecipe, on device: Device, images: @autoclosure () throws -> Int
  ) throws {
    guard device.kind == .cpu else { return }
    try requireTime(
      for: recipe, images: images(), operationsPerSecond: ProductRate.measured(.float32, on: device)
    )
  }

  static func requireTime(
    for recipe: PretrainingRecipe, images: Int, operationsPerSecond: Double
  ) throws(RunFailure) {
    let model = recipe.model
    let cost = ModelCost(pretraining: model, kept: recipe.masking.kept(of: model.grid))
    let steps = recipe.totalSteps(stepsPerEpoch: max(1, images / recipe.effectiveBatch))
    let seconds =
      cost.operations * Double(steps * recipe.effectiveBatch) / (0.6 * operationsPerSecond)
    guard seconds > longest else { return }
    throw RunFailure(
      .recipe,
      "without --recipe this is \(recipe.name), \(recipe.note ?? ""), and takes about "
        + "\(Formatted.duration(seconds)) on this CPU; --hours 2 chooses a run that takes two hours, and "
        + "--recipe default begins this one")
  }
}
