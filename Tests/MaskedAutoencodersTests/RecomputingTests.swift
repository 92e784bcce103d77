import MaskedAutoencoders
import TestSupport
import Testing
import Torch
import TorchNN

/// Blocks that the backward pass computes a second time.
@Suite struct RecomputingTests {
  private static let configuration = ModelConfiguration(
    height: 16, width: 16, patch: 4, encoder: TransformerShape(width: 48, depth: 3, heads: 3),
    decoder: TransformerShape(width: 32, depth: 2, heads: 2))

  /// The loss, the gradients by name, and how often blocks were computed: as one operator, or else by
  /// half of their norms.
  private static func measured(
    _ make: (Scope) -> (Tensor) -> Tensor
  ) -> (values: [String: Tensor], blocks: Int) {
    let store = ParameterStore(initializing: Generator(seed: 0))
    let loss = make(store.root)
    let images = Tensor.randn([6, 3, 16, 16], using: Generator(seed: 1))
    var values: [String: Tensor] = [:]
    let profile = OperatorProfile.measured {
      let loss = loss(images)
      loss.backward()
      values["loss"] = loss.detached()
    }
    for entry in store.trainable { values[entry.name] = entry.tensor.gradient }
    func calls(_ name: String) -> Int {
      profile.entries.filter { $0.name == name }.reduce(0) { $0 + $1.calls }
    }
    return (values, calls("swift_mae::block") + calls("aten::native_layer_norm") / 2)
  }

  private static func expectSame(
    blocks: Int, _ make: (Scope, Bool) -> (Tensor) -> Tensor
  ) {
    let kept = measured { make($0, false) }
    let recomputed = measured { make($0, true) }
    #expect(kept.values.count == recomputed.values.count && kept.values.count > 20)
    for (name, value) in kept.values {
      guard let other = recomputed.values[name] else {
        Issue.record("\(name) has no gradient")
        continue
      }
      expectEqual(value, other, "\(name)")
    }
    #expect(recomputed.blocks == kept.blocks + blocks)
  }

  @Test(arguments: [MaskedAutoencoder.LossRegion.hidden, .all])
  func `pre-training has the same loss and gradients to the byte`(
    region: MaskedAutoencoder.LossRegion
  ) async {
    // In a process of its own: a profile sees all threads.
    await #expect(processExitsWith: .success) { [region] in
      Self.expectSame(blocks: 5) { scope, recomputes in
        let model = MaskedAutoencoder(Self.configuration, recomputing: recomputes, in: scope)
        let mask = RandomMasking(ratio: 0.75).mask(
          Self.configuration.grid, batch: 6, using: Generator(seed: 2))
        return { model.loss($0, mask: mask, over: region) }
      }
    }
  }

  /// What drop path draws is drawn once.
  @Test func `a classifier has the same loss and gradients to the byte`() async {
    await #expect(processExitsWith: .success) {
      Self.expectSame(blocks: 3) { scope, recomputes in
        let model = ImageClassifier(
          Self.configuration, head: ClassifierHead(classes: 4), recomputing: recomputes, in: scope)
        return { images in
          model(
            images, isTraining: true,
            dropping: DropPath(rate: 0.5, using: Generator(seed: 3))
          ).crossEntropy(with: Tensor([0, 1, 2, 3, 0, 1]))
        }
      }
    }
  }
}
