import TestSupport
import Testing

@testable import Torch

/// The device that stands in for a GPU: it computes as the CPU does, refuses tensors of another
/// device, and notes what a GPU would have been waited for.
@Suite struct SimulatedDeviceTests {
  private static func normal(_ shape: [Int], seed: UInt64) -> Tensor {
    Tensor.randn(shape, using: Generator(seed: seed))
  }

  @Test func `values and gradients are the CPU's`() async {
    await #expect(processExitsWith: .success) {
      func network(_ device: Device) -> [Tensor] {
        let x = Self.normal([2, 3, 8, 8], seed: 1).to(device)
        let kernel = Self.normal([4, 3, 2, 2], seed: 2).to(device)
        let weight = Self.normal([5, 4], seed: 3).to(device)
        for tensor in [x, kernel, weight] { tensor.requiresGradient = true }
        let maps = x.conv2d(kernel, stride: 2)  // [2, 4, 4, 4]
        let tokens = maps.flattened(from: 2).transposed(1, 2)  // [2, 16, 4]
        let normed = tokens.layerNorm(
          Tensor.ones([4], device: device), Tensor.zeros([4], device: device), epsilon: 1e-6)
        let heads = normed.reshaped([2, 16, 2, 2]).transposed(1, 2)
        let mixed = Tensor.attention(queries: heads, keys: heads, values: heads, kernel: .fused)
        let chosen = mixed.transposed(1, 2).reshaped([32, 4])
          .selected(Tensor([3, 1, 30]).to(device), along: 0)
        let logits = chosen.linear(weight).gelu()
        let loss =
          logits.crossEntropy(with: Tensor([0, 4, 2]).to(device)) + tokens.squared().mean()
        loss.backward()
        return [loss.detached(), logits.detached()]
          + [x, kernel, weight].map { $0.gradient ?? Tensor() }
      }
      withSimulatedDevice { device in
        for (found, expected) in zip(network(device), network(.cpu)) {
          #expect(found.device == device)
          expectClose(found, expected, absolute: 1e-6, relative: 1e-5)
        }
      }
    }
  }

  @Test func `views share memory, and what is written in place is seen`() async {
    await #expect(processExitsWith: .success) {
      withSimulatedDevice { device in
        let x = Tensor.zeros([3, 4], device: device)
        x[1].fill(2)
        x.transposed(0, 1)[0].add(Tensor.ones([3], device: device))
        x[.all, 3].copy(Tensor([7, 8, 9] as [Float]).to(device))
        expectEqual(
          x.to(.cpu), Tensor([1, 0, 0, 7, 3, 2, 2, 8, 1, 0, 0, 9] as [Float], shape: [3, 4]))
        x[x .> 6] = Tensor.full([], -1, device: device)
        expectEqual(x[.all, 3].to(.cpu), Tensor([-1, -1, -1] as [Float]))
        let grown = Tensor.arange(0..<5, device: device)
        #expect(grown.array(of: Int.self) == [0, 1, 2, 3, 4])
        #expect(concatenated([x, x]).sum([0]).floats() == [10, 4, 4, -6])
      }
    }
  }

  @Test func `a tensor or a generator of another device is refused`() async {
    await #expect(processExitsWith: .success) {
      withSimulatedDevice { device in
        let here = Tensor.ones([2], device: device)
        for mixed in [{ here + Tensor.ones([2]) }, { concatenated([here, Tensor.ones([2])]) }] {
          let error = #expect(throws: TorchError.self) { try withTorchErrors { mixed() } }
          #expect(error?.message.contains("all tensors") == true)
        }
        #expect(throws: TorchError.self) {
          try withTorchErrors { here.fillNormal(std: 1, using: Generator(seed: 1)) }
        }
        // A number may come from anywhere.
        #expect((here + Tensor(2 as Float)).floats() == [3, 3])
      }
    }
  }

  @Test func `what a GPU would be waited for is noted, and nothing else is`() async {
    await #expect(processExitsWith: .success) {
      withSimulatedDevice { device in
        let host = Tensor([1, 0, 3] as [Float])
        func waits(_ body: () -> Any) -> [String] { simulatedWaits(of: body).waits }
        #expect(waits { host.sent(to: device) } == [])
        #expect(waits { host.to(device) } == ["copy to the device"])
        let x = host.sent(to: device)
        #expect(waits { (x * 2.0).sum() } == [])
        #expect(waits { Tensor.full([3], 1, device: device).add(x) } == [])
        #expect(waits { x.to(.cpu) } == ["copy from the device"])
        #expect(waits { x.floats() } == ["copy from the device"])
        #expect(waits { x.sum().item() } == ["aten::_local_scalar_dense"])
        #expect(waits { x.nonzero() } == ["aten::nonzero"])
        #expect(!waits { x[x .> 0] }.isEmpty)
        #expect(!waits { x[x .> 0] = Tensor.zeros([2], device: device) }.isEmpty)
      }
    }
  }

  @Test func `products are of the short type under autocast, sums are not`() async {
    await #expect(processExitsWith: .success) {
      withSimulatedDevice { device in
        let x = Self.normal([3, 4], seed: 1).to(device)
        let (product, sum) = withAutocast(to: .bfloat16, on: device) {
          (x.matmul(x.transposed(0, 1)), x.sum())
        }
        #expect(product.dtype == .bfloat16 && sum.dtype == .float32)
        #expect(x.matmul(x.transposed(0, 1)).dtype == .float32)
      }
    }
  }
}
