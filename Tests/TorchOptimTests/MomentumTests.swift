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
  func stepsAreThePublished(name: String) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    // Lengths of gradients are summed in another order: what the goldens' float64 runs differ by.
    let tolerance = Golden.Tolerance(absolute: 1e-6, relative: 1e-5)
    let parameters = AdamWTests.Parameters()
    try parameters.store.load(golden.starting(with: "start."))
    let optimizer = Self.optimizer(name, parameters)
    for (step, rate) in try golden["rates"].array(of: Double.self).enumerated() {
      try parameters.setGradients(golden, step: step)
      optimizer.step(rate: rate)
      for (name, tensor) in [("matrix", parameters.matrix), ("vector", parameters.vector)] {
        expectClose(
          tensor, try golden["after." + name].selected(step, along: 0), within: tolerance,
          "\(name) after step \(step)")
      }
    }
  }

  @Test(arguments: ["sgd-nesterov", "lars"])
  func aRestoredOptimizerGoesOnExactly(name: String) throws {
    let golden = try Self.golden.tensors(name + ".safetensors")
    let (whole, half) = (AdamWTests.Parameters(), AdamWTests.Parameters())
    try whole.store.load(golden.starting(with: "start."))
    let unbroken = Self.optimizer(name, whole)
    for step in 0..<3 {
      try whole.setGradients(golden, step: step)
      unbroken.step(rate: 0.1)
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
        optimizer.step(rate: 0.1)
      }
    }
    expectEqual(half.matrix, whole.matrix)
    expectEqual(half.vector, whole.vector)
    #expect(resumed.steps == 6)
  }

  @Test(arguments: [("fixed", 0.9), ("slow", 0.9999)])
  func averagesAreTimms(name: String, decay: Double) throws {
    let golden = try Self.golden.tensors("ema.safetensors")
    let store = ParameterStore(initializing: nil)
    let weight = store.root.parameter("matrix", [4, 3], .constant(0))
    let table = store.root.table("table", [1], .constant(0))
    let weights = try golden["weights"]
    withoutGradients { _ = weight.copy(weights.selected(0, along: 0)) }
    let average = WeightAverage(of: store, decay: decay)
    for step in 1...10 {
      withoutGradients {
        _ = weight.copy(weights.selected(step, along: 0))
        _ = table.fill(Double(step))
      }
      average.update()
      expectClose(
        average.weights[0].tensor, try golden[name].selected(step - 1, along: 0),
        within: try Self.golden.tolerance(), "step \(step)")
      #expect(average.weights[1].tensor.item == Double(step))
    }
    let inside = average.withAveragedWeights { weight.detached.cloned() }
    expectEqual(inside, average.weights[0].tensor)
    expectEqual(weight, weights.selected(10, along: 0))
  }
}
