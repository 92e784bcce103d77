import MaskedAutoencoders
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The forecast of a step's memory beside what large tensors hold during one.
@Suite struct StepMemoryTests {
  struct Case: Codable, Sendable, CustomTestStringConvertible {
    var blocks = BlockKernel.fused.rawValue
    var recomputes = false
    var isShort = false
    var testDescription: String {
      (isShort ? "bfloat16" : blocks) + (recomputes ? ", recomputed" : "")
    }
    var precision: Precision { isShort ? .bfloat16 : .float32 }

    static let all = [false, true].flatMap { recomputes in
      [
        Case(recomputes: recomputes), Case(blocks: "plain", recomputes: recomputes),
        Case(recomputes: recomputes, isShort: true),
      ]
    }
  }

  /// The forecast without weights, and the most that a step holds beside them.
  ///
  /// - Parameter loss: Gives the loss of a batch made by it.
  static func expectForecast(
    _ forecast: StepMemory, _ test: Case, _ store: ParameterStore, _ loss: () -> Tensor
  ) {
    func step() {
      withAutocast(to: test.precision.type, on: .cpu) { loss() }.backward()
      store.clearGradients()
    }
    step()  // makes what stays
    let found = LargeTensorMemory.peak(step)
    let expected = forecast.total - forecast.weights
    let ratio = Double(expected) / Double(found)
    #expect((0.85...1.1).contains(ratio), "\(expected) bytes forecast, \(found) held: \(ratio)")
  }

  @Test(arguments: Case.all)
  func `a step of pre-training holds what is forecast`(_ test: Case) async {
    await #expect(processExitsWith: .success) { [test] in
      setenv("CTORCH_BLOCKS", test.blocks, 1)
      Engine.threads = 2
      var recipe = PretrainingRecipe(
        name: "tiny",
        model: ModelConfiguration(
          height: 32, width: 32, patch: 4,
          encoder: TransformerShape(width: 192, depth: 3, heads: 3),
          decoder: TransformerShape(width: 96, depth: 2, heads: 3)),
        batch: BatchRecipe(size: 128), precision: test.precision)
      recipe.memory.recompute = test.recomputes
      let store = ParameterStore(initializing: Generator(seed: 0))
      let model = MaskedAutoencoder(recipe.model, recomputing: test.recomputes, in: store.root)
      let forecast = StepMemory(recipe, parameters: store.trainableCount, on: .cpu)
      Self.expectForecast(forecast, test, store) {
        model.loss(
          Tensor.randn([128, 3, 32, 32], using: Generator(seed: 1)),
          mask: recipe.masking.mask(
            recipe.model.grid, batch: 128, using: Generator(seed: 2)))
      }
    }
  }

  @Test(arguments: Case.all)
  func `a step of fine-tuning holds what is forecast`(_ test: Case) async {
    await #expect(processExitsWith: .success) { [test] in
      setenv("CTORCH_BLOCKS", test.blocks, 1)
      Engine.threads = 2
      var recipe = FinetuningRecipe(
        name: "tiny", batch: BatchRecipe(size: 32), precision: test.precision)
      recipe.memory.recompute = test.recomputes
      let shape = ModelConfiguration(
        height: 80, width: 80, patch: 8,
        encoder: TransformerShape(width: 192, depth: 4, heads: 3), decoder: nil)
      let store = ParameterStore(initializing: Generator(seed: 0))
      let model = ImageClassifier(
        shape, head: ClassifierHead(classes: 4), recomputing: test.recomputes, in: store.root)
      let forecast = StepMemory(recipe, shape, parameters: store.trainableCount, on: .cpu)
      Self.expectForecast(forecast, test, store) {
        model(
          Tensor.randn([32, 3, 80, 80], using: Generator(seed: 1)), isTraining: true,
          dropping: DropPath(rate: 0.1, using: Generator(seed: 3))
        ).to(.float32).crossEntropy(with: Tensor((0..<32).map { $0 % 4 }))
      }
    }
  }
}
