import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Training with transformer blocks in one operator.
@Suite struct FusedTrainingTests {
  /// Losses of twenty steps of a small model.
  static func losses() -> [Double] {
    let configuration = ModelConfiguration(
      height: 16, width: 16, patch: 4, encoder: TransformerShape(width: 48, depth: 2, heads: 3),
      decoder: TransformerShape(width: 32, depth: 2, heads: 2))
    let store = ParameterStore(initializing: Generator(seed: 0))
    let model = MaskedAutoencoder(configuration, in: store.root)
    let optimizer = AdamW(
      ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05), beta2: 0.95)
    let images = Tensor.randn([16, 3, 16, 16], using: Generator(seed: 1))
    return (0..<20).map { step in
      store.clearGradients()
      let mask = RandomMasking(ratio: 0.75).mask(
        configuration.grid, batch: 16, using: Generator(seed: 2, stream: 0, step: step))
      let loss = model.loss(images, mask: mask)
      loss.backward()
      optimizer.step(learningRate: 1e-3)
      return loss.item()
    }
  }

  @Test func `twenty losses are those of the composition`() async {
    let fused = Self.losses()
    await #expect(processExitsWith: .success) { [fused = fused as [Double]] in
      setenv("CTORCH_BLOCKS", "plain", 1)
      #expect(Self.profile().calls == [])
      for (plain, fused) in zip(Self.losses(), fused) {
        #expect(abs(plain - fused) <= 1e-5 * plain, "\(plain), \(fused)")
      }
    }
  }

  @Test func `the operator computes every block, in every run to the same bytes`() async {
    await #expect(processExitsWith: .success) {
      setenv("CTORCH_BLOCKS", "fused", 1)
      Engine.threads = 2
      let (losses, calls) = Self.profile()
      #expect(calls == [80])
      #expect(Self.losses() == losses)
    }
  }

  @Test func `one image of many tokens is for the operator where no gradients are recorded`() async
  {
    await #expect(processExitsWith: .success) {
      setenv("CTORCH_BLOCKS", "fused", 1)
      Engine.threads = 2
      let store = ParameterStore(initializing: Generator(seed: 0))
      let block = TransformerBlock(
        TransformerShape(width: 48, depth: 1, heads: 3), normEpsilon: 1e-6, qkvBias: true,
        in: store.root)
      let x = Tensor.randn([1, 401, 48], using: Generator(seed: 1))
      var results: [Tensor] = []
      func calls(_ x: Tensor) -> Int {
        OperatorProfile.measured { results.append(block(x).detached()) }.entries
          .filter { $0.name == "swift_mae::block" }.map(\.calls).reduce(0, +)
      }
      #expect(withoutGradients { calls(x) } == 1)
      #expect(withoutGradients { calls(x[.all, ..<399]) } == 0)
      #expect(calls(x) == 0)
      expectClose(results[0], results[2], ofLargest: 2e-6)
    }
  }

  /// Losses, and how often the operator was called, if it was.
  private static func profile() -> (losses: [Double], calls: [Int]) {
    var losses: [Double] = []
    let profile = OperatorProfile.measured { losses = Self.losses() }
    return (losses, profile.entries.filter { $0.name == "swift_mae::block" }.map(\.calls))
  }
}
