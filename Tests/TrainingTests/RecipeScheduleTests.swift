import Foundation
import Testing
import TorchOptim
import Training
@testable import Recipes

/// The paper's schedule against its closed form.
@Suite struct RecipeScheduleTests {
  @Test func handPickedPoints() {
    let schedule = WarmupCosine(peak: 2.4e-3, minimum: 0, warmup: 40, total: 800)
    #expect(schedule.learningRate(at: 0) == 0)
    #expect(schedule.learningRate(at: 1) == 2.4e-3 / 40)
    #expect(schedule.learningRate(at: 20) == 1.2e-3)
    #expect(schedule.learningRate(at: 40) == 2.4e-3)
    // A quarter, half and three quarters of the way from 40 to 800.
    #expect(abs(schedule.learningRate(at: 230) - 1.2e-3 * (1 + 0.5.squareRoot())) < 1e-17)
    #expect(abs(schedule.learningRate(at: 420) - 1.2e-3) < 1e-17)
    #expect(abs(schedule.learningRate(at: 610) - 1.2e-3 * (1 - 0.5.squareRoot())) < 1e-17)
    #expect(schedule.learningRate(at: 800) == 0)
    #expect(schedule.learningRate(at: 100_000) == 0)
  }

  @Test func minimumIsWhereItEnds() {
    let schedule = WarmupCosine(peak: 1, minimum: 0.1, warmup: 0, total: 10)
    #expect(schedule.learningRate(at: 0) == 1)
    #expect(abs(schedule.learningRate(at: 5) - 0.55) < 1e-15)
    #expect(schedule.learningRate(at: 10) == 0.1)
  }

  @Test func runsShorterThanTheirWarmupOnlyRise() {
    let schedule = WarmupCosine(peak: 1, warmup: 100, total: 20)
    #expect(schedule.learningRate(at: 19) == 0.19)
    #expect(
      WarmupCosine(peak: 1, minimum: 0.1, warmup: 100, total: 20).learningRate(at: 120) == 0.1)
    #expect(WarmupCosine(peak: 1, warmup: 0, total: 0).learningRate(at: 0) == 0)
  }

  /// The published code computes from fractional epochs: `step / stepsPerEpoch + epoch`.
  @Test func everyStepEqualsTheEpochForm() {
    var recipe = PretrainingRecipe(name: "test")
    recipe.batch.size = 100
    recipe.optimizer.minimumLearningRate = 1e-6
    recipe.schedule = .init(epochs: 12, warmupEpochs: 2.5)
    let perEpoch = 7
    let peak = 1.5e-4 * 100 / 256
    for step in 0..<(12 * perEpoch) {
      let epoch = Double(step) / Double(perEpoch)
      let expected =
        epoch < 2.5
        ? peak * epoch / 2.5
        : 1e-6 + (peak - 1e-6) * 0.5 * (1 + cos(.pi * (epoch - 2.5) / (12 - 2.5)))
      #expect(abs(recipe.learningRates(stepsPerEpoch: perEpoch).learningRate(at: step) - expected) < 1e-18)
    }
  }

  @Test func rateGrowsWithTheEffectiveBatch() {
    var recipe = PretrainingRecipe(name: "test")
    recipe.batch = .init(size: 64, accumulation: 64)
    #expect(recipe.effectiveBatch == 4096)
    #expect(abs(recipe.peakLearningRate - 2.4e-3) < 1e-18)
    recipe.batch.accumulation = 8
    #expect(abs(recipe.peakLearningRate - 3e-4) < 1e-18)
  }

  @Test func stepsOverrideEpochs() {
    var recipe = PretrainingRecipe(name: "test")
    #expect(recipe.totalSteps(stepsPerEpoch: 10) == 8000)
    recipe.schedule.steps = 20
    #expect(recipe.totalSteps(stepsPerEpoch: 10) == 20)
    #expect(recipe.problems.isEmpty)
  }
}
