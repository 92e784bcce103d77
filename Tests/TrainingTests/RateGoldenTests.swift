import Foundation
import TestSupport
import Testing
import Torch
import TorchOptim
import Training
@testable import Recipes

/// Learning rates as timm's schedule gives them for recipes of every kind.
@Suite struct RateGoldenTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var kind: String
    var file: String
    var baseRate: Double?
    var effectiveBatch: Int?
    var epochs: Int?
    var warmupEpochs: Double?
    var stepsPerEpoch: Int?
    var minimum: Double?
    var whole: Bool?
    var testDescription: String { name }
  }

  static let cases = ((try? Golden("schedules").cases(of: Case.self)) ?? []).filter {
    $0.kind == "rates"
  }

  @Test func thereAreCases() { #expect(Self.cases.count >= 6) }

  @Test(arguments: cases) func rates(of example: Case) throws {
    let tensors = try Golden("schedules").tensors(example.file)
    let golden: [Double] = try tensors[example.name].array()
    let stepsPerEpoch = try #require(example.stepsPerEpoch)
    let epochs = try #require(example.epochs)
    let whole = try #require(example.whole as Bool?)
    let steps: [Int] =
      whole
      ? Array(0..<epochs * stepsPerEpoch) : try tensors["\(example.name).iterations"].array()
    try #require(steps.count == golden.count)
    var recipe = PretrainingRecipe(name: example.name)
    recipe.optimizer.baseLearningRate = try #require(example.baseRate)
    recipe.optimizer.minimumLearningRate = try #require(example.minimum)
    recipe.batch = .init(size: try #require(example.effectiveBatch))
    recipe.schedule = .init(epochs: epochs, warmupEpochs: try #require(example.warmupEpochs))
    let schedule = recipe.learningRates(stepsPerEpoch: stepsPerEpoch)
    for (step, rate) in zip(steps, golden) {
      #expect(abs(schedule.learningRate(at: step) - rate) <= 1e-12 * recipe.peakLearningRate, "step \(step)")
    }
  }
}
