import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@Suite struct AdamWTests {
  static let golden = Golden("schedules")

  /// The goldens' parameters: a matrix that is decayed and a vector that is not.
  struct Parameters {
    let store = ParameterStore(initializing: nil)
    let matrix: Tensor
    let vector: Tensor

    init() {
      matrix = store.root.parameter("matrix", [4, 3], .constant(0))
      vector = store.root.parameter("vector", [3], .constant(0))
    }

    func groups(weightDecay: Double) -> [ParameterGroup] {
      ParameterGroup.decayingMatrices(of: store.trainable, weightDecay: weightDecay)
    }

    func setGradients(_ golden: GoldenTensors, step: Int) throws {
      matrix.gradient = try golden["gradient.matrix"].selected(step, along: 0).cloned()
      vector.gradient = try golden["gradient.vector"].selected(step, along: 0).cloned()
    }
  }

  @Test(arguments: [("adamw", 0.05, 0.95), ("adamw-999", 0.3, 0.999)])
  func `steps are torchs`(name: String, weightDecay: Double, beta2: Double) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    let tolerance = try Self.golden.tolerance()
    let parameters = Parameters()
    try parameters.store.load(golden.starting(with: "start."))
    let optimizer = AdamW(parameters.groups(weightDecay: weightDecay), beta2: beta2)
    let rates = try golden["rates"].array(of: Double.self)
    for (step, rate) in rates.enumerated() {
      try parameters.setGradients(golden, step: step)
      optimizer.step(learningRate: rate)
      for (name, tensor) in [("matrix", parameters.matrix), ("vector", parameters.vector)] {
        expectClose(
          tensor, try golden["after." + name].selected(step, along: 0), within: tolerance,
          "\(name) after step \(step)")
      }
    }
    #expect(optimizer.steps == 10)
  }

  /// The formula of the doc comment, in plain Swift, for values no golden has.
  @Test func `steps are the formulas`() {
    let store = ParameterStore(initializing: nil)
    let x = store.root.parameter("x", [1], .constant(0))
    withoutGradients { _ = x.fill(0.7) }
    let groups = [ParameterGroup([("x", x)], weightDecay: 0.2, learningRateScale: 0.5)]
    let optimizer = AdamW(groups, beta1: 0.8, beta2: 0.9, epsilon: 0.01)
    var (value, m, v) = (0.7, 0.0, 0.0)
    for (step, g) in [0.3, -1.2, 0.0, 2.0].enumerated() {
      x.gradient = Tensor([Float(g)])
      optimizer.step(learningRate: 0.1)
      m = 0.8 * m + 0.2 * g
      v = 0.9 * v + 0.1 * g * g
      let t = Double(step + 1)
      let (mean, square) = (m / (1 - 0.8.toThe(t)), v / (1 - 0.9.toThe(t)))
      value = (1 - 0.05 * 0.2) * value - 0.05 * mean / (square.squareRoot() + 0.01)
      expectClose(x, Tensor([value]), absolute: 1e-6)
    }
  }

  @Test func `parameters without a gradient stay`() throws {
    let parameters = Parameters()
    withoutGradients {
      _ = parameters.matrix.fill(1)
      _ = parameters.vector.fill(1)
    }
    let optimizer = AdamW(parameters.groups(weightDecay: 0.5))
    optimizer.step(learningRate: 0.1)
    parameters.vector.gradient = Tensor.ones([3])
    optimizer.step(learningRate: 0.1)
    expectEqual(parameters.matrix, Tensor.ones([4, 3]))
    #expect(parameters.vector.floats()[0] < 1)
    #expect(optimizer.steps == 2)
  }

  @Test func `a restored optimizer goes on exactly`() throws {
    let golden = try Self.golden.tensors("adamw.safetensors")
    let (whole, first, second) = (Parameters(), Parameters(), Parameters())
    for parameters in [whole, first] { try parameters.store.load(golden.starting(with: "start.")) }
    func run(_ optimizer: AdamW, _ parameters: Parameters, _ steps: Range<Int>) throws {
      for step in steps {
        try parameters.setGradients(golden, step: step)
        optimizer.step(learningRate: 0.01)
      }
    }
    let unbroken = AdamW(whole.groups(weightDecay: 0.05))
    try run(unbroken, whole, 0..<10)
    let before = AdamW(first.groups(weightDecay: 0.05))
    try run(before, first, 0..<4)
    let saved = Dictionary(
      uniqueKeysWithValues: before.state.map { ($0.name, $0.tensor.cloned()) })
    let weights = first.store.weights.map { ($0.name, $0.tensor.cloned()) }
    try run(before, first, 4..<6)  // what was saved must not move on with it
    try second.store.load(Dictionary(uniqueKeysWithValues: weights))
    let after = AdamW(second.groups(weightDecay: 0.05))
    try after.restore(saved, steps: 4)
    #expect(after.steps == 4)
    try run(after, second, 4..<10)
    expectEqual(second.matrix, whole.matrix)
    expectEqual(second.vector, whole.vector)
    for (a, b) in zip(after.state, unbroken.state) { expectEqual(a.tensor, b.tensor, a.name) }
  }

  @Test func `state has py torchs names and is restored strictly`() {
    let optimizer = AdamW(Parameters().groups(weightDecay: 0))
    #expect(
      optimizer.state.map(\.name) == [
        "exp_avg.matrix", "exp_avg_sq.matrix", "exp_avg.vector", "exp_avg_sq.vector",
      ])
    let error = #expect(throws: WeightMismatch.self) {
      try optimizer.restore(
        [
          "exp_avg.matrix": Tensor.ones([3, 4]), "exp_avg_sq.matrix": Tensor.ones([4, 3]),
          "exp_avg.vector": Tensor.ones([3]), "x": Tensor.ones([1]),
        ], steps: 9)
    }
    #expect(error?.wrongShape.map(\.name) == ["exp_avg.matrix"])
    #expect(error?.missing == ["exp_avg_sq.vector"] && error?.unexpected == ["x"])
    #expect(optimizer.steps == 0)
    #expect(optimizer.state.allSatisfy { $0.tensor.abs().max().item() == 0 })
  }
}

extension Double {
  fileprivate func toThe(_ exponent: Double) -> Double {
    (0..<Int(exponent)).reduce(1) { product, _ in product * self }
  }
}
