import Datasets
public import RecipeSyntax

extension Validator {
  /// What files become.
  ///
  /// - Parameters:
  ///   - channels: Channels of the model's images; nil where they are not known yet.
  ///   - readsRasters: Whether the kind of training gives `DataRecipe.rasterSettings` to its transform
  ///     and its model's description; others read pictures only.
  public mutating func pipeline(
    _ data: DataRecipe, channels: Int?, readsRasters: Bool = false
  ) {
    for (path, range) in [("data.scale" as FieldPath, data.scale), ("data.ratio", data.ratio)] {
      require(
        range.lowerBound > 0, path, "is \(range.listed); expected two numbers above 0")
    }
    require(
      data.scale.upperBound <= 1, "data.scale",
      "is \(data.scale.listed); expected parts of the picture, of at most 1")
    within(0...1, "data.flip", data.flip)
    within(0...1, "data.verticalFlip", data.verticalFlip)
    within(0...1, "data.rotate90", data.rotate90)
    within(0...1, "data.jitter", data.jitter)
    within(1...1_000_000_000, "data.shuffleBuffer", data.shuffleBuffer)
    within(1...65_536, "data.lanes", data.lanes)
    within(1...1024, "data.repeats", data.repeats)
    within(0...1, "data.brokenLimit", data.brokenLimit)
    within(0...1024, "data.workers", data.workers)
    within(1...1024, "data.prefetch", data.prefetch)
    if case .gigabytes(let size) = data.cache { atLeast(0, "data.cache", size) }
    if case .given(_, let std) = data.normalization {
      require(
        std.allSatisfy { $0 > 0 }, "data.normalization.std",
        "is \(std); expected numbers above 0")
    }
    raster(data, channels: channels, isRead: readsRasters)
    guard let channels else { return }
    require(
      data.channels != .picture || !readsRasters || [1, 3].contains(channels), "data.channels",
      "is picture, of 1 or 3 channels, and the model takes \(channels); expected all, or a list of "
        + "\(channels) channels")
    switch data.normalization {
    case .computed, .inherited, .none: return
    case .imageNet:
      require(
        channels == 3 || data.rasterSettings != nil, "data.normalization",
        "is imagenet, which has 3 channels where model.channels is \(channels); "
          + "expected computed, none or {mean: […], std: […]}")
    case .given(let mean, let std):
      for (path, values) in [
        ("data.normalization.mean" as FieldPath, mean), ("data.normalization.std", std),
      ] {
        require(
          values.count == channels, path,
          "has \(values.count) values; expected one for each channel, \(channels)")
      }
    }
  }

  /// How many images, how long, what is kept.
  public mutating func lengths(
    _ batch: BatchRecipe, _ schedule: ScheduleRecipe, _ checkpoints: CheckpointRecipe
  ) {
    within(1...1_000_000, "batch.size", batch.size)
    within(1...1_000_000, "batch.accumulation", batch.accumulation)
    within(1...1_000_000, "schedule.epochs", schedule.epochs)
    if let steps = schedule.steps { within(1...1_000_000_000_000, "schedule.steps", steps) }
    atLeast(0, "schedule.warmupEpochs", schedule.warmupEpochs)
    require(
      schedule.steps != nil || schedule.warmupEpochs <= Double(schedule.epochs),
      "schedule.warmupEpochs",
      "is \(schedule.warmupEpochs.short), longer than the whole run; "
        + "expected at most schedule.epochs, \(schedule.epochs)")
    rhythm("checkpoints.everyEpochs", checkpoints.everyEpochs)
    rhythm("checkpoints.everySteps", checkpoints.everySteps)
    within(1...1_000_000, "checkpoints.keep", checkpoints.keep)
  }

  /// The optimizer's values.
  public mutating func optimizer(_ values: OptimizerRecipe) {
    above(0, "optimizer.baseLearningRate", values.baseLearningRate)
    atLeast(0, "optimizer.minimumLearningRate", values.minimumLearningRate)
    require(
      values.layerDecay > 0 && values.layerDecay <= 1, "optimizer.layerDecay",
      "is \(values.layerDecay.short); expected a factor above 0 and at most 1")
    for (path, value) in [
      ("optimizer.beta1" as FieldPath, values.beta1), ("optimizer.beta2", values.beta2),
      ("optimizer.momentum", values.momentum),
    ] {
      require(
        value >= 0 && value < 1, path, "is \(value.short); expected a number from 0 and below 1")
    }
    above(0, "optimizer.epsilon", values.epsilon)
    atLeast(0, "optimizer.weightDecay", values.weightDecay)
    if let clip = values.clip { above(0, "optimizer.clip", clip) }
  }
}
