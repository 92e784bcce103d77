import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@Suite struct GradientTests {
  static let golden = Golden("schedules")

  @Test(arguments: ["large", "small", "zero"])
  func `clipping is torchs`(name: String) throws {
    let golden = try Self.golden.tensors("clip.safetensors")
    let tolerance = try Self.golden.tolerance()
    let store = ParameterStore(initializing: nil)
    let a = store.root.parameter("a", [4, 3], .constant(0))
    let b = store.root.parameter("b", [5], .constant(0))
    _ = store.root.parameter("without gradient", [2], .constant(0))
    a.gradient = try golden["\(name).gradient.a"].cloned()
    b.gradient = try golden["\(name).gradient.b"].cloned()
    let groups = ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 1)
    expectClose(gradientNorm(of: groups), try golden["\(name).norm"], within: tolerance)
    expectClose(clipGradients(of: groups, to: 1), try golden["\(name).norm"], within: tolerance)
    expectClose(a.gradient ?? Tensor(), try golden["\(name).clipped.a"], within: tolerance)
    expectClose(b.gradient ?? Tensor(), try golden["\(name).clipped.b"], within: tolerance)
  }

  @Test func `nothing has no norm`() {
    #expect(gradientNorm(of: []).item() == 0)
    #expect(clipGradients(of: [], to: 1).item() == 0)
  }

  @Test func `a norm that is not finite shows`() {
    let store = ParameterStore(initializing: nil)
    let a = store.root.parameter("a", [2], .constant(0))
    a.gradient = Tensor([1, .nan] as [Float])
    let groups = [ParameterGroup([("a", a)], weightDecay: 0)]
    #expect(clipGradients(of: groups, to: 1).item().isNaN)
  }

  @Test func `matrices and tokens are decayed`() {
    let store = ParameterStore(initializing: nil)
    _ = store.root.parameter("cls_token", [1, 1, 4], .constant(0))
    _ = store.root.buffer("pos_embed", [1, 5, 4], .constant(0))
    _ = Linear(4, 4, in: store.root["fc"])
    _ = LayerNorm(4, epsilon: 1e-6, in: store.root["norm"])
    _ = store.root.parameter("scale", [], .constant(0))
    let groups = ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: 0.05)
    #expect(groups.map(\.weightDecay) == [0.05, 0])
    #expect(groups.map(\.learningRateScale) == [1, 1])
    #expect(groups[0].parameters.map(\.name) == ["cls_token", "fc.weight"])
    #expect(groups[1].parameters.map(\.name) == ["fc.bias", "norm.weight", "norm.bias", "scale"])
    let vectors = store.trainable.filter { $0.tensor.rank == 1 }
    #expect(ParameterGroup.decayingMatrices(of: vectors, weightDecay: 1).count == 1)
    #expect(ParameterGroup.decayingMatrices(of: [], weightDecay: 1).isEmpty)
  }
}
