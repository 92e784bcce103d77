import MaskedAutoencoders

extension Recipe {
  /// Everything that is wrong with the values, each with the field, what it is and what is allowed;
  /// empty when the recipe can be trained.
  public var problems: [FieldMistake] {
    var checks = Checks()
    checks.require(!name.isEmpty, "name", "is empty; expected a text")
    check(model: &checks)
    check(data: &checks)
    check(optimizer: &checks)
    check(lengths: &checks)
    return checks.found
  }

  private func check(model checks: inout Checks) {
    let before = checks.found.count
    for (path, message) in model.problems {
      checks.require(false, FieldPath("model." + path), message)
    }
    checks.require(
      [1, 3].contains(model.channels) || checks.found.count > before, "model.channels",
      "is \(model.channels); image files have 1 or 3")
    checks.require(
      masking.ratio > 0 && masking.ratio < 1, "masking.ratio",
      "is \(masking.ratio.short); expected a number above 0 and below 1")
    if checks.found.count == before { check(grid: &checks) }
  }

  private func check(grid checks: inout Checks) {
    let patches = model.grid.count
    let visible = masking.visible(of: patches)
    checks.require(
      visible >= 1, "masking.ratio",
      "is \(masking.ratio.short), which leaves none of the \(patches) patches visible; "
        + "expected less, or smaller patches")
    checks.require(
      visible < patches, "masking.ratio",
      "is \(masking.ratio.short), which hides none of the \(patches) patches; "
        + "expected more, or smaller patches")
  }

  private func check(data checks: inout Checks) {
    for (path, range) in [("data.scale" as FieldPath, data.scale), ("data.ratio", data.ratio)] {
      checks.require(
        range.lowerBound > 0, path, "is \(range.listed); expected two numbers above 0")
    }
    checks.require(
      data.scale.upperBound <= 1, "data.scale",
      "is \(data.scale.listed); expected parts of the picture, of at most 1")
    checks.within(0...1, "data.flip", data.flip)
    checks.within(0...1, "data.jitter", data.jitter)
    checks.within(1...1_000_000_000, "data.shuffleBuffer", data.shuffleBuffer)
    checks.within(0...1, "data.brokenLimit", data.brokenLimit)
    checks.within(0...1024, "data.workers", data.workers)
    checks.within(1...1024, "data.prefetch", data.prefetch)
    switch data.normalization {
    case .computed, .none: return
    case .imageNet:
      checks.require(
        model.channels == 3, "data.normalization",
        "is imagenet, which has 3 channels where model.channels is \(model.channels); "
          + "expected computed, none or {mean: […], std: […]}")
    case .given(let mean, let std):
      for (path, values) in [
        ("data.normalization.mean" as FieldPath, mean), ("data.normalization.std", std),
      ] {
        checks.require(
          values.count == model.channels, path,
          "has \(values.count) values; expected one for each channel, \(model.channels)")
      }
      checks.require(
        std.allSatisfy { $0 > 0 }, "data.normalization.std",
        "is \(std); expected numbers above 0")
    }
  }

  private func check(optimizer checks: inout Checks) {
    checks.above(0, "optimizer.baseRate", optimizer.baseRate)
    checks.atLeast(0, "optimizer.minimumRate", optimizer.minimumRate)
    for (path, beta) in [
      ("optimizer.beta1" as FieldPath, optimizer.beta1), ("optimizer.beta2", optimizer.beta2),
    ] {
      checks.require(
        beta >= 0 && beta < 1, path, "is \(beta.short); expected a number from 0 and below 1")
    }
    checks.above(0, "optimizer.epsilon", optimizer.epsilon)
    checks.atLeast(0, "optimizer.weightDecay", optimizer.weightDecay)
    if let clip = optimizer.clip { checks.above(0, "optimizer.clip", clip) }
  }

  private func check(lengths checks: inout Checks) {
    checks.within(1...1_000_000, "batch.size", batch.size)
    checks.within(1...1_000_000, "batch.accumulation", batch.accumulation)
    checks.within(1...1_000_000, "budget.epochs", budget.epochs)
    if let steps = budget.steps { checks.within(1...1_000_000_000_000, "budget.steps", steps) }
    checks.atLeast(0, "budget.warmupEpochs", budget.warmupEpochs)
    checks.require(
      budget.steps != nil || budget.warmupEpochs <= Double(budget.epochs), "budget.warmupEpochs",
      "is \(budget.warmupEpochs.short), longer than the whole run; "
        + "expected at most budget.epochs, \(budget.epochs)")
    let rhythms: [(FieldPath, Int?)] = [
      ("checkpoints.everyEpochs", checkpoints.everyEpochs),
      ("checkpoints.everySteps", checkpoints.everySteps),
      ("monitor.everySteps", monitor.everySteps),
      ("monitor.reconstructionsEveryEpochs", monitor.reconstructionsEveryEpochs),
    ]
    for case (let path, let interval?) in rhythms {
      checks.within(1...1_000_000_000, path, interval)
    }
    checks.within(1...1_000_000, "checkpoints.keep", checkpoints.keep)
    checks.within(1...1024, "monitor.images", monitor.images)
  }
}

/// Mistakes found so far.
private struct Checks {
  var found: [FieldMistake] = []

  mutating func require(_ holds: Bool, _ path: FieldPath, _ message: @autoclosure () -> String) {
    if !holds { found.append(FieldMistake(path, message())) }
  }

  mutating func within(_ range: ClosedRange<Int>, _ path: FieldPath, _ value: Int) {
    require(
      range.contains(value), path,
      "is \(value); expected a whole number from \(range.lowerBound) to \(range.upperBound)")
  }

  mutating func within(_ range: ClosedRange<Double>, _ path: FieldPath, _ value: Double) {
    require(
      range.contains(value), path,
      "is \(value.short); expected a number from \(range.lowerBound.short) to \(range.upperBound.short)"
    )
  }

  mutating func above(_ bound: Double, _ path: FieldPath, _ value: Double) {
    require(
      value > bound && value.isFinite, path,
      "is \(value.short); expected a number above \(bound.short)")
  }

  mutating func atLeast(_ bound: Double, _ path: FieldPath, _ value: Double) {
    require(
      value >= bound && value.isFinite, path,
      "is \(value.short); expected a number of at least \(bound.short)")
  }
}

extension Double {
  /// As written in a recipe: `1`, not `1.0`.
  fileprivate var short: String { ScalarText.written(self) }
}

extension ClosedRange<Double> {
  /// As written in a recipe.
  fileprivate var listed: String { "[\(lowerBound.short), \(upperBound.short)]" }
}
