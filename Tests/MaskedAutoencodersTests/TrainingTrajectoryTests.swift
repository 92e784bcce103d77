import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

/// Twenty steps of a tiny model against transformers' model with torch's AdamW.
@Suite struct TrainingTrajectoryTests {
  static let golden = Golden("training")

  struct Manifest: Decodable {
    struct Optimizer: Decodable {
      let betas: [Double]
      let epsilon, weightDecay: Double
    }
    let model: ModelConfiguration
    let maskRatio: Double
    let steps, batch: Int
    let optimizer: Optimizer
  }

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let accumulate: Int
    let clip: Double?
    var testDescription: String { name }
  }

  /// What a run leaves: a loss and a gradient norm for each step, and the weights at its end.
  struct Run {
    var losses: [Double] = []
    var norms: [Double] = []
    var weights: [String: Tensor] = [:]
  }

  static func train(_ test: Case) throws -> Run {
    try train(
      test, from: nativeNames(ofTransformers: golden.tensors("start/model.safetensors").all),
      rates: golden.tensors(test.name + ".safetensors")["rates"])
  }

  /// - Parameter type: The type of the forward pass's products.
  static func train(
    _ test: Case, from weights: [String: Tensor], rates: Tensor, autocast type: DType? = nil
  ) throws -> Run {
    let manifest = try golden.manifest(as: Manifest.self)
    let batches = try golden.tensors("batches.safetensors")
    let rates = rates.array(of: Double.self)
    let model = TestModel(manifest.model)
    try model.store.load(weights)
    let settings = manifest.optimizer
    let groups = ParameterGroup.decayingMatrices(
      of: model.store.trainable, weightDecay: settings.weightDecay)
    let optimizer = AdamW(
      groups, beta1: settings.betas[0], beta2: settings.betas[1], epsilon: settings.epsilon)
    let kept = RandomMasking(ratio: manifest.maskRatio).kept(of: manifest.model.grid)
    let images = (try batches["images"].to(.float32) / 255.0 - 0.5) / 0.5
    var run = Run()
    for step in 0..<manifest.steps {
      model.store.clearGradients()
      let part = manifest.batch / test.accumulate
      let indices = try batches["indices"].selected(step, along: 0).split(part, along: 0)
      let noise = try batches["noise"].selected(step, along: 0).split(part, along: 0)
      var total = 0.0
      for (chosen, noise) in zip(indices, noise) {
        let loss =
          withAutocast(to: type, on: .cpu) {
            model.model.loss(
              images.selected(chosen, along: 0), mask: PatchMask(noise: noise, keeping: kept))
          } / Double(test.accumulate)
        loss.backward()
        total += loss.item()
      }
      run.losses.append(total)
      run.norms.append(
        (test.clip.map { clipGradients(of: groups, to: $0) } ?? gradientNorm(of: groups)).item())
      optimizer.step(learningRate: rates[step])
    }
    for (name, tensor) in model.store.weights { run.weights[name] = tensor }
    return run
  }

  @Test(arguments: try golden.cases(of: Case.self))
  func `steps are theirs`(_ test: Case) throws {
    let golden = try Self.golden.tensors(test.name + ".safetensors")
    let tolerance = try Self.golden.tolerance()
    let run = try Self.train(test)
    expectClose(Tensor(run.losses), try golden["losses"], within: tolerance, "losses")
    expectClose(Tensor(run.norms), try golden["norms"], within: tolerance, "norms")
    let finals = golden.starting(with: "final.")
    #expect(finals.keys.sorted() == run.weights.keys.sorted())
    for (name, expected) in finals {
      // The key's bias has no effect, its gradient is rounding, and Adam makes steps of it.
      func compared(_ tensor: Tensor) -> Tensor {
        guard name.hasSuffix("qkv.bias") else { return tensor }
        let third = tensor.count / 3
        let parts = tensor.split(third, along: 0)
        return concatenated([parts[0], parts[2]])
      }
      expectClose(
        compared(run.weights[name] ?? Tensor()), compared(expected), within: tolerance, name)
    }
  }

  @Test func `a second run is the same bit for bit`() throws {
    let test = try #require(Self.golden.cases(of: Case.self).last)
    let (first, second) = (try Self.train(test), try Self.train(test))
    #expect(first.losses == second.losses && first.norms == second.norms)
    for (name, tensor) in first.weights { expectEqual(second.weights[name] ?? Tensor(), tensor) }
  }
}
