public import TorchOptim

extension TrainingRecipe {
  /// Images that one optimizer step learns from.
  public var effectiveBatch: Int { batch.size * batch.accumulation }

  /// The highest learning rate: `baseLearningRate × effective batch / 256` (A.1).
  public var peakLearningRate: Double {
    optimizer.baseLearningRate * Double(effectiveBatch) / 256
  }

  /// Optimizer steps of the whole run.
  public func totalSteps(stepsPerEpoch: Int) -> Int {
    schedule.steps ?? schedule.epochs * stepsPerEpoch
  }

  /// The learning rate of every step; an epoch has `stepsPerEpoch` optimizer steps.
  public func learningRates(stepsPerEpoch: Int) -> any LearningRateSchedule {
    WarmupCosine(
      peak: peakLearningRate, minimum: optimizer.minimumLearningRate,
      warmup: schedule.warmupEpochs * Double(stepsPerEpoch),
      total: totalSteps(stepsPerEpoch: stepsPerEpoch))
  }
}
