import TestSupport
import Testing
import Torch
import TorchNN
import TorchOptim

@Suite struct MomentumTests {
  static let golden = AdamWTests.golden

  /// An optimizer's name in the goldens, and how it is made.
  static func optimizer(_ name: String, _ parameters: AdamWTests.Parameters) -> any Optimizer {
    switch name {
    case "sgd": SGD(parameters.groups(weightDecay: 0.01))
    case "sgd-nesterov": SGD(parameters.groups(weightDecay: 0.01), isNesterov: true)
    case "sgd-plain": SGD(parameters.groups(weightDecay: 0), momentum: 0)
    case "lars": LARS(parameters.groups(weightDecay: 0))
    default: LARS(parameters.groups(weightDecay: 0.01))
    }
  }

  @Test(arguments: ["sgd", "sgd-nesterov", "sgd-plain", "lars", "lars-decay"])
  func `steps are the published`(name: String) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    // Lengths of gradients are summed in another order: what the goldens' float64 runs differ by.
    let tolerance = Golden.Tolerance(absolute: 1e-6, relative: 1e-5)
    let parameters = AdamWTests.Parameters()
    try parameters.store.load(golden.starting(with: "start."))
    let optimizer = Self.optimizer(name, parameters)
    for (step, rate) in try golden["rates"].array(of: Double.self).enumerated() {
      try parameters.setGradients(golden, step: step)
      optimizer.step(learningRate: rate)
      for (name, tensor) in [("matrix", parameters.matrix), ("vector", parameters.vector)] {
        expectClose(
          tensor, try golden["after." + name].selected(step, along: 0), within: tolerance,
          "\(name) after step \(step)")
      }
    }
  }

  @Test(arguments: ["sgd-nesterov", "lars"])
  func `a restored optimizer goes on exactly`(name: String) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    let (whole, half) = (AdamWTests.Parameters(), AdamWTests.Parameters())
    try whole.store.load(golden.starting(with: "start."))
    let unbroken = Self.optimizer(name, whole)
    for step in 0..<3 {
      try whole.setGradients(golden, step: step)
      unbroken.step(learningRate: 0.1)
    }
    try half.store.load(
      Dictionary(uniqueKeysWithValues: whole.store.weights.map { ($0.name, $0.tensor.cloned()) }))
    let resumed = Self.optimizer(name, half)
    try resumed.restore(
      Dictionary(uniqueKeysWithValues: unbroken.state.map { ($0.name, $0.tensor.cloned()) }),
      steps: 3)
    for step in 3..<6 {
      for (parameters, optimizer) in [(whole, unbroken), (half, resumed)] {
        try parameters.setGradients(golden, step: step)
        optimizer.step(learningRate: 0.1)
      }
    }
    expectEqual(half.matrix, whole.matrix)
    expectEqual(half.vector, whole.vector)
    #expect(resumed.steps == 6)
  }

  @Test(arguments: [("fixed", 0.9), ("slow", 0.9999)])
  func `averages are timms`(name: String, decay: Double) throws {
    let golden = try Self.golden.tensors("ema.safetensors")
    let store = ParameterStore(initializing: nil)
    let weight = store.root.parameter("matrix", [4, 3], .constant(0))
    let table = store.root.buffer("table", [1], .constant(0))
    let weights = try golden["weights"]
    withoutGradients { _ = weight.copy(weights.selected(0, along: 0)) }
    let average = ModelEMA(of: store, decay: decay)
    for step in 1...10 {
      withoutGradients {
        _ = weight.copy(weights.selected(step, along: 0))
        _ = table.fill(Double(step))
      }
      average.update()
      expectClose(
        average.weights[0].tensor, try golden[name].selected(step - 1, along: 0),
        within: try Self.golden.tolerance(), "step \(step)")
      #expect(average.weights[1].tensor.item() == Double(step))
    }
    let inside = average.withAveragedWeights { weight.detached().cloned() }
    expectEqual(inside, average.weights[0].tensor)
    expectEqual(weight, weights.selected(10, along: 0))
  }

  /// What is frozen is neither copied at each step nor when averages take the weights' place.
  @Test func `a frozen parameter is its own average`() throws {
    let store = ParameterStore(initializing: Generator(seed: 1))
    let frozen = store.root.parameter("frozen", [2], .normal(std: 1))
    let weight = store.root.parameter("weight", [2], .constant(0))
    store.freeze { $0 == "frozen" }
    let average = ModelEMA(of: store, decay: 0.5)
    func isFrozens(_ tensor: Tensor) -> Bool {
      tensor.withMutableBytes { a in frozen.withMutableBytes { a.baseAddress == $0.baseAddress } }
    }
    withoutGradients { _ = weight.fill(4) }
    average.update()
    #expect(average.weights.map(\.name) == ["frozen", "weight"])
    #expect(isFrozens(average.weights[0].tensor) && average.weights[1].tensor.floats() == [2, 2])
    let before = frozen.floats()
    average.withAveragedWeights {
      #expect(frozen.floats() == before && weight.floats() == [2, 2])
    }
    #expect(frozen.floats() == before && weight.floats() == [4, 4])
    try average.restore(["frozen": Tensor([7, 8]), "weight": Tensor([1, 1])])
    #expect(frozen.floats() == [7, 8] && weight.floats() == [4, 4])
    #expect(average.weights[1].tensor.floats() == [1, 1])
  }

  @Test func `a kind makes its optimizer with its own settings`() {
    func after(_ optimizer: (ParameterGroup) -> any Optimizer) -> [Float] {
      let store = ParameterStore(initializing: nil)
      let weight = store.root.parameter("w", [2, 2], .constant(0))
      withoutGradients { _ = weight.copy(Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])) }
      let made = optimizer(ParameterGroup([("w", weight)], weightDecay: 0.1))
      for step in 1...3 {
        weight.gradient = Tensor.full([2, 2], Double(step))
        made.step(learningRate: 0.1)
      }
      return weight.floats()
    }
    #expect(
      after {
        OptimizerKind.adamw.makeOptimizer([$0], beta1: 0.8, beta2: 0.7, epsilon: 0.1)
      } == after { AdamW([$0], beta1: 0.8, beta2: 0.7, epsilon: 0.1) })
    #expect(
      after { OptimizerKind.lars.makeOptimizer([$0], epsilon: 0.1, momentum: 0.5) }
        == after { LARS([$0], momentum: 0.5, epsilon: 0.1) })
    #expect(
      after { OptimizerKind.sgd.makeOptimizer([$0], momentum: 0.5) }
        == after { SGD([$0], momentum: 0.5) })
    // Left out, settings are the optimizers' own.
    #expect(after { OptimizerKind.adamw.makeOptimizer([$0]) } == after { AdamW([$0]) })
    #expect(after { OptimizerKind.lars.makeOptimizer([$0]) } == after { LARS([$0]) })
    #expect(after { OptimizerKind.sgd.makeOptimizer([$0]) } == after { SGD([$0]) })
    #expect(OptimizerKind.all.map(\.name) == ["adamw", "lars", "sgd"])
  }
}
