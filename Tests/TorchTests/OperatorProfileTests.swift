import Testing
import Torch

/// The time of operators. One after the other: a profile sees all threads.
@Suite(.serialized) struct OperatorProfileTests {
  @Test func `products are told with their sizes`() async {
    await #expect(processExitsWith: .success) {
      let generator = Generator(seed: 0)
      let x = Tensor.randn([2, 5, 7], using: generator)
      let (weight, bias) = (
        Tensor.randn([4, 7], using: generator), Tensor.randn([4], using: generator)
      )
      weight.requiresGradient = true
      _ = x.linear(weight, bias)  // the choice of kernels tries an operator
      let clock = ContinuousClock()
      var profile: OperatorProfile?
      let seconds = clock.measure {
        profile = OperatorProfile.measured { x.linear(weight, bias).gelu().sum().backward() }
      }
      let entries = profile?.entries ?? []
      let products = entries.compactMap(\.product)
      // Forward, and the gradient of the weight: [4, 10] times [10, 7].
      #expect(products.count == 2)
      let forward = products.first { !$0.transposesFirst }
      #expect(forward?.m == 10 && forward?.n == 4 && forward?.k == 7)
      #expect(forward?.transposesSecond == true && forward?.operations == 560)
      let gradient = products.first(where: \.transposesFirst)
      #expect(gradient?.m == 4 && gradient?.n == 7 && gradient?.k == 10)
      #expect(entries.contains { $0.name == "aten::gelu" && $0.calls == 1 })
      // No second is counted twice.
      #expect(entries.reduce(0) { $0 + $1.seconds } <= seconds / .seconds(1))
      #expect(OperatorProfile.measured {}.entries.isEmpty)
    }
  }

  @Test func `a block tells of its parts`() async {
    await #expect(processExitsWith: .success) {
      Engine.threads = 2
      let test = TransformerBlockTests.Case()
      let inputs = TransformerBlockTests.Inputs(test)
      inputs.weights[0].requiresGradient = true
      let profile = OperatorProfile.measured {
        Op("block", namespace: "swift_mae")(
          inputs.tokens, inputs.weights, inputs.bias, Tensor?.none, Tensor?.none, 3
        ).sum().backward()
      }
      let names = profile.entries.map(\.name)
      #expect(names.contains("swift_mae::block attention forward"))
      #expect(names.contains("swift_mae::block attention backward"))
      let products = profile.entries.filter { $0.product != nil }
      #expect(products.filter { $0.name == "swift_mae::product forward" }.count == 4)
      #expect(products.filter { $0.name == "swift_mae::product input gradient" }.count == 4)
      let rows = products.first { $0.name == "swift_mae::product forward" }?.product?.m
      #expect(rows == 5 * 17)
    }
  }
}
