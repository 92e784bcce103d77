public import TorchOptim

extension TrainingRecipe {
  /// Images that one optimizer step learns from, in `world` processes together.
  public func effectiveBatch(world: Int = 1) -> Int { batch.size * batch.accumulation * world }

  /// The highest learning rate: `baseRate × effective batch / 256` (A.1).
  public func peakRate(world: Int = 1) -> Double {
    baseRate * Double(effectiveBatch(world: world)) / 256
  }

  /// Optimizer steps of the whole run.
  public func totalSteps(stepsPerEpoch: Int) -> Int {
    budget.steps ?? budget.epochs * stepsPerEpoch
  }

  /// The rate of every step; an epoch has `stepsPerEpoch` optimizer steps.
  public func schedule(stepsPerEpoch: Int, world: Int = 1) -> WarmupCosine {
    WarmupCosine(
      peak: peakRate(world: world), minimum: minimumRate,
      warmup: budget.warmupEpochs * Double(stepsPerEpoch),
      total: totalSteps(stepsPerEpoch: stepsPerEpoch))
  }

  /// The learning rate of a step counted from 0; see ``schedule(stepsPerEpoch:world:)``.
  public func rate(atStep step: Int, stepsPerEpoch: Int, world: Int = 1) -> Double {
    schedule(stepsPerEpoch: stepsPerEpoch, world: world).learningRate(at: step)
  }
}
