import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct ParameterStoreTests {
  private func store() -> ParameterStore {
    let store = ParameterStore(initializing: Generator(seed: 2))
    _ = store.root.parameter("token", [1, 1, 2], .normal(std: 1))
    _ = Linear(2, 3, in: store.root["blocks", 1]["fc"])
    _ = store.root["blocks", 1].buffer("positions", [2], .values([1, 2]))
    return store
  }

  private let names = ["token", "blocks.1.fc.weight", "blocks.1.fc.bias", "blocks.1.positions"]

  @Test func `names follow the scopes`() {
    let store = store()
    #expect(store.entries.map(\.name) == names)
    #expect(store.entries.map(\.isTrainable) == [true, true, true, false])
    #expect(store.entries.map(\.tensor.requiresGradient) == [true, true, true, false])
    #expect(store.trainable.map(\.name) == names.dropLast())
    #expect(store.trainableCount == 2 + 6 + 3)
    #expect(store["blocks.1.fc.weight"]?.shape == [3, 2])
    #expect(store["blocks.1.fc"] == nil && store[""] == nil)
    #expect(store.root.path == "" && store.root["a", 2]["b"].path == "a.2.b")
    #expect(store.weights.map(\.name) == names)
    #expect(store.weights.allSatisfy { !$0.tensor.requiresGradient })
  }

  @Test func `a name declared twice stops`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let store = ParameterStore(initializing: nil)
      _ = Linear(2, 3, in: store.root["fc"])
      _ = store.root["fc"].buffer("weight", [1], .constant(0))
    }
    let text = standardError(of: result)
    #expect(text.contains("the name 'fc.weight' is declared twice"))
  }

  @Test func `gradients are cleared`() {
    let store = store()
    for entry in store.trainable { entry.tensor.squared().sum().backward() }
    #expect(store.trainable.allSatisfy { $0.tensor.gradient != nil })
    store.clearGradients()
    #expect(store.trainable.allSatisfy { $0.tensor.gradient == nil })
  }

  @Test func `weights are copied in`() throws {
    let (store, other) = (store(), store())
    other.randomize(seed: 9)
    let before = store["token"]
    try store.load(Dictionary(uniqueKeysWithValues: other.weights.map { ($0.name, $0.tensor) }))
    for (a, b) in zip(store.weights, other.weights) { expectEqual(a.tensor, b.tensor, a.name) }
    other["token"]?.detached().fill(5)
    #expect(before?.floats() != [5, 5], "weights are copied, not shared")
    #expect(before?.floats() == store["token"]?.floats(), "the tensor stays the same reference")
    #expect(store.entries.map(\.tensor.requiresGradient) == [true, true, true, false])
  }

  @Test func `weights of another type are converted`() throws {
    let store = store()
    let half = store.weights.map { ($0.name, Tensor.full($0.tensor.shape, 0.5, dtype: .bfloat16)) }
    try store.load(Dictionary(uniqueKeysWithValues: half))
    expectEqual(store.weights[1].tensor, Tensor.full([3, 2], 0.5))
  }

  @Test func `all mistakes are listed and nothing changes`() throws {
    let store = store()
    let before = store.weights.map { $0.tensor.floats() }
    let error = #expect(throws: WeightMismatch.self) {
      try store.load([
        "token": Tensor.zeros([1, 1, 3]), "blocks.1.fc.weight": Tensor.zeros([2, 3]),
        "blocks.1.fc.bias": Tensor.zeros([3]), "z": Tensor.zeros([1]), "a": Tensor.zeros([1]),
      ])
    }
    #expect(error?.missing == ["blocks.1.positions"])
    #expect(error?.unexpected == ["a", "z"])
    #expect(error?.wrongShape.map(\.name) == ["token", "blocks.1.fc.weight"])
    #expect(error?.wrongShape.map(\.found) == [[1, 1, 3], [2, 3]])
    #expect(error?.wrongShape.map(\.expected) == [[1, 1, 2], [3, 2]])
    #expect(
      error?.description
        == "1 weight is missing (blocks.1.positions); 2 weights are unexpected (a, z); "
        + "2 weights are of another shape (token is [1, 1, 3], expected [1, 1, 2], "
        + "blocks.1.fc.weight is [2, 3], expected [3, 2])")
    #expect(store.weights.map { $0.tensor.floats() } == before)
    let nothing = #expect(throws: WeightMismatch.self) {
      try store.load(Dictionary(uniqueKeysWithValues: (0..<9).map { ("x\($0)", Tensor(0)) }))
    }
    #expect(nothing?.missing == names && nothing?.unexpected.count == 9)
    #expect(nothing?.description.contains("9 weights are unexpected (x0, x1, x2, …)") == true)
  }

  @Test func `a prefix narrows what is loaded`() throws {
    let store = store()
    let token = try #require(store["token"]).floats()
    try store.load(
      [
        "blocks.1.fc.weight": Tensor.ones([3, 2]), "blocks.1.fc.bias": Tensor.ones([3]),
        "blocks.1.positions": Tensor.ones([2]),
      ], where: { $0.hasPrefix("blocks.") })
    #expect(store["token"]?.floats() == token)
    #expect(store["blocks.1.fc.bias"]?.floats() == [1, 1, 1])
    let error = #expect(throws: WeightMismatch.self) {
      try store.load(["token": Tensor.ones([1, 1, 2])], where: { $0.hasPrefix("blocks.") })
    }
    #expect(error?.unexpected == ["token"] && error?.missing.count == 3)
  }

  @Test func `frozen parameters are told from buffers`() {
    let store = store()
    store.freeze { $0.hasPrefix("blocks.") }
    #expect(store.entries.map(\.isTrainable) == [true, false, false, false])
    #expect(store.entries.map(\.isBuffer) == [false, false, false, true])
    #expect(store.entries.map(\.isFrozen) == [false, true, true, false])
  }
}
