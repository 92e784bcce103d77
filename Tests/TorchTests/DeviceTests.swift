import Testing
import Torch

@Suite struct DeviceTests {
  private func message(_ name: String) -> String? {
    do {
      _ = try Device(named: name)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `names that are there`() throws {
    #expect(try Device(named: "cpu") == .cpu)
    #expect(try Device(named: "auto") == .best)
    #expect(Device.count(.cpu) == 1)
    #expect(Device.cpu.description == "cpu")
    #expect(Device(.cuda, index: 2).description == "cuda:2")
    #expect(Device(.mps).description == "mps")
    Device.cpu.synchronize()
    #expect(Device.cpu.peakMemory == nil)
  }

  @Test func `devices that are not there`() {
    let none = Device.count(.cuda)
    for name in ["cuda:\(none)", "cuda:999999"] + (none == 0 ? ["cuda"] : []) {
      let found = message(name)
      #expect(
        found?.hasPrefix("device '\(name == "cuda" ? "cuda:0" : name)' is not available") == true)
      #expect(found?.contains("there is cpu") == true, "\(found ?? "no error")")
    }
  }

  @Test(arguments: ["", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:0:1", "cpu:0", " cpu"])
  func `names that are none`(name: String) {
    #expect(
      message(name) == "device '\(name)' is not one of auto, cpu, cuda, cuda:0, cuda:1, …, mps")
  }

  @Test func `a missing device refuses tensors`() {
    guard Device.count(.cuda) == 0 else { return }
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors { Tensor.zeros([1], device: Device(.cuda)) }
    }
    #expect(error?.operation == "zeros")
  }

  /// What runs on `meta`, and that nothing of another device goes with it.
  @Test func `meta tensors have shapes and no elements`() throws {
    func zeros(_ shape: [Int]) -> Tensor { Tensor.zeros(shape, device: .meta) }
    let x = zeros([2, 4, 6, 6])
    #expect(x.device == .meta && x.shape == [2, 4, 6, 6] && Device.meta.description == "meta")
    let results: [(String, [Int], () -> Tensor)] = [
      ("conv2d", [2, 3, 4, 4], { x.conv2d(zeros([3, 4, 3, 3])) }),
      ("conv_transpose2d", [2, 3, 8, 8], { x.convTranspose2d(zeros([4, 3, 3, 3])) }),
      ("layer_norm", x.shape, { x.layerNorm(zeros([6]), zeros([6]), epsilon: 1e-5) }),
      ("group_norm", x.shape, { x.groupNorm(groups: 2, zeros([4]), zeros([4]), epsilon: 1e-5) }),
      (
        "batch_norm", x.shape,
        {
          x.batchNorm(
            mean: zeros([4]), variance: zeros([4]), isTraining: true, momentum: 0.1, epsilon: 1e-5)
        }
      ),
      ("pool", [2, 4, 1, 2], { x.adaptiveAvgPool2d(rows: 1, columns: 2) }),
      ("variance", [2, 4, 6, 1], { x.variance([-1], keepingDimensions: true) }),
      ("where", x.shape, { Tensor.where(x .> 0, x, x) }),
      ("index_select", [2, 2, 6, 6], { x.selected(Tensor([0, 1]).to(.meta), along: 1) }),
      ("attention", x.shape, { Tensor.attention(queries: x, keys: x, values: x) }),
    ]
    for (name, shape, result) in results {
      let found = try withTorchErrors(result)
      #expect(found.shape == shape && found.device == .meta, "\(name)")
    }
    let others: [(String, () -> Tensor)] = [
      ("add", { x + Tensor.zeros([6]) }),
      ("cat", { concatenated([x, Tensor.zeros([2, 4, 6, 6])]) }),
      ("linear", { x.linear(Tensor.zeros([3, 6])) }),
      ("gather", { x.gathered(Tensor.zeros([2, 4, 6, 6], dtype: .int64), along: 1) }),
      ("index", { x[Tensor([0, 1])] }),
    ]
    for (name, result) in others {
      let error = #expect(throws: TorchError.self, "\(name)") { try withTorchErrors(result) }
      #expect(error?.message.contains("device") == true, "\(name): \(error?.message ?? "")")
    }
    #expect(throws: TorchError.self) { try withTorchErrors { x.sum().item() } }
    #expect(throws: TorchError.self) { try withTorchErrors { x.to(.cpu) } }
    // Numbers without a dimension, and copies from one device to the other, are as on a GPU.
    #expect(try withTorchErrors { x + Tensor(2 as Float) }.device == .meta)
    #expect(try withTorchErrors { x.cloned().copy(Tensor.zeros([6])) }.device == .meta)
  }

  @Test func `the engine says what it is`() throws {
    try Engine.load()
    try Engine.load()
    #expect(Engine.version.hasPrefix("2."))
  }

  @Test func `threads are set`() async {
    await #expect(processExitsWith: .success) {
      #expect(Engine.threads >= 1)
      for count in [1, 3, 2] {
        Engine.threads = count
        #expect(Engine.threads == count)
      }
      #expect(Tensor.ones([300, 300]).matmul(Tensor.ones([300, 300])).mean().item() == 300)
    }
  }
}
