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

  @Test func namesThatAreThere() throws {
    #expect(try Device(named: "cpu") == .cpu)
    #expect(try Device(named: "auto") == .best)
    #expect(Device.count(.cpu) == 1)
    #expect(Device.cpu.description == "cpu")
    #expect(Device(.cuda, index: 2).description == "cuda:2")
    #expect(Device(.mps).description == "mps")
    Device.cpu.synchronize()
    #expect(Device.cpu.peakMemory == nil)
  }

  @Test func devicesThatAreNotThere() {
    let none = Device.count(.cuda)
    for name in ["cuda:\(none)", "cuda:999999"] + (none == 0 ? ["cuda"] : []) {
      let found = message(name)
      #expect(
        found?.hasPrefix("device '\(name == "cuda" ? "cuda:0" : name)' is not available") == true)
      #expect(found?.contains("there is cpu") == true, "\(found ?? "no error")")
    }
  }

  @Test(arguments: ["", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:0:1", "cpu:0", " cpu"])
  func namesThatAreNone(name: String) {
    #expect(
      message(name) == "device '\(name)' is not one of auto, cpu, cuda, cuda:0, cuda:1, …, mps")
  }

  @Test func aMissingDeviceRefusesTensors() {
    guard Device.count(.cuda) == 0 else { return }
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors { Tensor.zeros([1], device: Device(.cuda)) }
    }
    #expect(error?.operation == "zeros")
  }

  @Test func theEngineSaysWhatItIs() throws {
    try Engine.load()
    try Engine.load()
    #expect(Engine.version.hasPrefix("2."))
  }

  @Test func threadsAreSet() async {
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
